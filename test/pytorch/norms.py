"""norms.json: exact values, gradients and second-order gradients of batchNorm, layerNorm, instanceNorm, groupNorm."""

from collections import defaultdict

import mpmath
import numpy as np
import torch
import torch.nn.functional as F
from mpmath import mpf

from common import Draw, array, close, tensor, write_json
from exact import ExactNorm, exact_list, partition, round_once, verify
from norm_cases import specs


def torch_norm(spec, x, running_mean, running_var, weight, bias):
    """PyTorch's own function.

    A bias without a weight gets a weight of ones: forward works without, but the double backward of all four norms
    throws in PyTorch 1.13 ("Expected a proper Tensor but got None"), and so does group_norm's first backward.
    """
    if weight is None and bias is not None:
        weight = torch.ones_like(bias)
    if spec.norm == "batchNorm":
        return F.batch_norm(x, running_mean, running_var, weight, bias, spec.options["training"], 0.1, spec.eps)
    if spec.norm == "instanceNorm":
        use_input_stats = spec.options["useInputStats"]
        return F.instance_norm(x, running_mean, running_var, weight, bias, use_input_stats, 0.1, spec.eps)
    if spec.norm == "groupNorm":
        return F.group_norm(x, spec.options["numGroups"], weight, bias, spec.eps)
    return F.layer_norm(x, spec.param_shape, weight, bias, spec.eps)


def composed_norm(spec, x, running_mean, running_var, weight, bias):
    """The same from PyTorch's elementary operations: a second, independent way through its autograd."""
    per_channel = (1, -1) + (1,) * (x.dim() - 2)
    if spec.evaluates:
        mean, variance = running_mean.reshape(per_channel), running_var.reshape(per_channel)
        xhat = (x - mean) / torch.sqrt(variance + spec.eps)
    else:
        grouped = x
        if spec.norm == "layerNorm":
            dims = tuple(range(-len(spec.param_shape), 0))
        elif spec.norm == "batchNorm":
            dims = (0,) + tuple(range(2, x.dim()))
        else:
            grouped = x.reshape(x.shape[0], spec.options.get("numGroups", x.shape[1]), -1)
            dims = (2,)
        centered = grouped - grouped.mean(dims, keepdim=True)
        xhat = (centered / torch.sqrt((centered**2).mean(dims, keepdim=True) + spec.eps)).reshape(x.shape)
    if spec.norm != "layerNorm":
        weight, bias = (None if p is None else p.reshape(per_channel) for p in (weight, bias))
    y = xhat if weight is None else xhat * weight
    return y if bias is None else y + bias


def first_order(function, spec, inputs, grad_output, create_graph=False):
    """output, gradInput, gradWeight and gradBias by autograd; None for what is absent. Also the leaves."""
    dtype = getattr(torch, spec.dtype)
    leaf = {key: tensor(value, dtype, key in ("x", "weight", "bias")) for key, value in inputs.items()}
    arguments = [leaf.get(key) for key in ("x", "runningMean", "runningVar", "weight", "bias")]
    output = function(spec, *arguments)
    leaf["gradOutput"] = tensor(grad_output, dtype, create_graph)
    wanted = [key for key in ("x", "weight", "bias") if key in leaf]
    grads = torch.autograd.grad(output, [leaf[key] for key in wanted], leaf["gradOutput"], create_graph=create_graph)
    return output, dict(zip(wanted, grads)), leaf


def second_order(function, spec, inputs, grad_output, cotangents):
    """The double backward by autograd: gradients by gradOutput, weight (if present) and x."""
    _, grads, leaf = first_order(function, spec, inputs, grad_output, create_graph=True)
    loss = sum((tensor(cotangents[key]) * grads[key]).sum() for key in grads)
    wanted = [key for key in ("gradOutput", "weight", "x") if key in leaf]
    second = torch.autograd.grad(loss, [leaf[key] for key in wanted], allow_unused=True)
    return {key: torch.zeros_like(leaf[key]) if grad is None else grad for key, grad in zip(wanted, second)}


def draw_inputs(spec):
    """Inputs, gradOutput, the cotangents {x: v, weight: u, bias: t} and a direction for the difference check."""
    draw = Draw(spec.name, spec.dtype)
    inputs = {"x": draw.normal(spec.shape, spec.mean, spec.spread)}
    if spec.constant:
        part = partition(spec.norm, spec.shape, spec.options)
        chosen = np.array(part.slice_of).reshape(spec.shape) == part.slices - 1
        inputs["x"][chosen] = draw.representable(spec.mean + 0.1, 4)
    has_weight, has_bias = spec.affine
    if has_weight:
        inputs["weight"] = draw.weight(spec.param_shape)
    if has_bias:
        inputs["bias"] = draw.normal(spec.param_shape)
    if spec.evaluates:
        channels = (spec.shape[1],)
        inputs["runningMean"] = draw.normal(channels, spec.mean, spec.spread)
        variance = draw.random.uniform(0.4, 1.9, channels) * spec.spread**2
        inputs["runningVar"] = draw.representable(variance, 4 - 2 * int(np.floor(np.log10(spec.spread))))
    parameters = {key: inputs[key].shape for key in ("x", "weight", "bias") if key in inputs}
    grad_output = draw.normal(spec.shape)
    cotangents = {key: draw.normal(shape) for key, shape in parameters.items()}
    direction = {key: draw.normal(shape) for key, shape in {**parameters, "gradOutput": spec.shape}.items()}
    direction["x"] = direction["x"] * spec.spread
    return inputs, grad_output, cotangents, direction


def largest_error(actual, exact):
    """Largest |actual − exact| over largest |exact|, to three digits; null where the exact answer is all zero."""
    scale = max(map(abs, exact))
    if scale == 0:
        return None
    errors = [abs(mpf(a) - e) for a, e in zip(actual.detach().double().reshape(-1).tolist(), exact)]
    return float(mpmath.nstr(max(errors) / scale, 3))


def build(spec):
    """One case, computed exactly and checked against differences and, at mean 0, against PyTorch."""
    inputs, grad_output, cotangents, direction = draw_inputs(spec)
    part = partition(spec.norm, spec.shape, spec.options)
    x, weight, bias = (exact_list(inputs.get(key)) for key in ("x", "weight", "bias"))
    go, (v, u, t) = exact_list(grad_output), (exact_list(cotangents.get(key)) for key in ("x", "weight", "bias"))
    running = (exact_list(inputs["runningMean"]), exact_list(inputs["runningVar"])) if spec.evaluates else None
    eps = mpf(spec.eps)
    degenerate = spec.constant and spec.eps == 0  # 1/√0 counts as 0: no neighbourhood to take differences in
    if not degenerate:
        tangents = [exact_list(direction.get(key)) for key in ("x", "weight", "bias", "gradOutput")]
        verify(part, x, weight, bias, eps, running, go, v, u, t, tangents)

    norm = ExactNorm(part, x, weight, bias, eps, running)
    output = norm.output()
    grads = dict(zip(("x", "weight", "bias"), norm.backward(go)))
    second = dict(zip(("gradOutput", "weight", "x"), norm.double_backward(go, v, u, t)))
    torch_output, torch_grads, _ = first_order(torch_norm, spec, inputs, grad_output)
    if spec.dtype == "float64" and spec.mean == 0 and not degenerate:
        check_against_torch(spec, inputs, grad_output, cotangents, output, grads, second)

    def rounded(values, shape):
        return array(np.array(round_once(values)).reshape(shape))

    def kept(values, prefix=""):
        """Rounded gradients, without those of absent parameters; with a prefix x becomes gradInput and so on."""
        shapes = {"gradOutput": spec.shape, **{key: value.shape for key, value in inputs.items()}}
        names = {"x": "Input", "weight": "Weight", "bias": "Bias"}
        return {
            prefix + names[key] if prefix else key: rounded(value, shapes[key])
            for key, value in values.items()
            if key in shapes
        }

    names = {"x": "v", "weight": "u", "bias": "t"}
    return {
        "norm": spec.norm,
        "name": spec.name,
        "dtype": spec.dtype,
        "options": {**spec.options, "eps": spec.eps},
        "mean": spec.mean,
        "spread": spec.spread,
        "inputs": {key: array(value) for key, value in inputs.items()},
        "gradOutput": array(grad_output),
        "output": rounded(output, spec.shape),
        **kept(grads, "grad"),
        "double": {**{names[key]: array(value) for key, value in cotangents.items()}, **kept(second)},
        "torchError": {
            "output": None if degenerate else largest_error(torch_output, output),
            "gradInput": None if degenerate else largest_error(torch_grads["x"], grads["x"]),
        },
    }


def check_against_torch(spec, inputs, grad_output, cotangents, output, grads, second):
    """Asserts both orders against PyTorch's fused function and against its elementary operations."""

    def check(actual, exact, what):
        close(actual.detach().numpy().ravel(), [float(value) for value in exact], 1e-12, f"{spec.name}: {what}")

    for function in (torch_norm, composed_norm):
        torch_output, torch_grads, _ = first_order(function, spec, inputs, grad_output)
        check(torch_output, output, "output")
        for key, value in torch_grads.items():
            check(value, grads[key], f"gradient by {key}")
        for key, value in second_order(function, spec, inputs, grad_output, cotangents).items():
            check(value, second[key], f"second-order gradient by {key}")


def summary(cases):
    """PyTorch's worst error by dtype and mean, as printed by the generator and quoted in the README.

    Without the cases of another spread than 1 and those with a slice that has no variance.
    """
    worst = defaultdict(lambda: [0.0, 0.0])
    for spec, case in zip(specs(), cases):
        if spec.spread == 1 and not spec.has_flat_slice:
            entry = worst[case["dtype"], case["mean"]]
            for i, key in enumerate(("output", "gradInput")):
                entry[i] = max(entry[i], case["torchError"][key] or 0.0)
    for (dtype, mean), (output, grad) in sorted(worst.items(), key=lambda item: (item[0][0], item[0][1])):
        print(f"  {dtype} at mean {mean:g}: PyTorch's output is off by {output:.1e}, its gradInput by {grad:.1e}")


def generate():
    cases = [build(spec) for spec in specs()]
    names = [case["name"] for case in cases]
    repeated = {name for name in names if names.count(name) > 1}
    assert not repeated, f"two cases have one name: {repeated}"
    summary(cases)
    return write_json("norms.json", cases=cases)
