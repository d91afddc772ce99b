"""adaptive.json: norms of a style, of responses and of weights, as elementary formulas that PyTorch differentiates."""

import torch

from common import Draw, array, close, tensor, write_json


def adaptive_instance_norm(options, content, style):
    correction = 1 if options["unbiased"] else 0

    def moments(x):
        flat = x.flatten(2)
        mean = flat.mean(2)
        variance = ((flat - mean[..., None]) ** 2).sum(2) / (flat.shape[2] - correction)
        shape = [*x.shape[:2]] + [1] * (content.dim() - 2)
        return mean.reshape(shape), torch.sqrt(variance + options["eps"]).reshape(shape)

    mean, std = moments(content)
    style_mean, style_std = moments(style)
    adapted = (content - mean) / std * style_std + style_mean
    return options["alpha"] * adapted + (1 - options["alpha"]) * content


def conditional_instance_norm(options, x, weight=None, bias=None, styles=None):
    def per_sample(table):
        rows = table[torch.tensor(options["labels"])] if styles is None else styles @ table
        return rows.reshape([*x.shape[:2]] + [1] * (x.dim() - 2))

    y = torch.nn.functional.instance_norm(x, eps=options["eps"])
    y = y if weight is None else y * per_sample(weight)
    return y if bias is None else y + per_sample(bias)


def filter_response_norm(options, x, weight=None, bias=None, tau=None, epsL=None):
    def per_channel(values):
        return values.reshape([1, -1] + [1] * (x.dim() - 2))

    eps = options["eps"] if epsL is None else options["eps"] + epsL.abs()
    y = x / torch.sqrt((x**2).mean(list(range(2, x.dim())), keepdim=True) + eps)
    y = y if weight is None else y * per_channel(weight)
    y = y if bias is None else y + per_channel(bias)
    return y if tau is None else torch.maximum(y, per_channel(tau))


def weight_standardization(options, weight):
    dims = list(range(1, weight.dim()))
    centered = weight - weight.mean(dims, keepdim=True)
    n = weight[0].numel()
    if options["unbiased"]:
        return centered / (torch.sqrt((centered**2).sum(dims, keepdim=True) / (n - 1)) + options["eps"])
    return centered / torch.sqrt((centered**2).mean(dims, keepdim=True) + options["eps"])


def weight_norm(options, v, g):
    dim = options["dim"]
    dims = [i for i in range(v.dim()) if i != dim]
    ours = g * v / torch.sqrt((v**2).sum(dims, keepdim=dim is not None))
    theirs = torch._weight_norm(v, g, -1 if dim is None else dim)
    close(ours.detach(), theirs.detach(), 1e-14, "weight_norm")
    return ours


def spectral_norm(options, weight):
    order = [options["dim"]] + [i for i in range(weight.dim()) if i != options["dim"]]
    matrix = weight.permute(order).flatten(1)
    sigma = torch.tensor(options["u"], dtype=torch.float64) @ matrix @ torch.tensor(options["v"], dtype=torch.float64)
    return weight / sigma


NORMS = {
    "adaptiveInstanceNorm": adaptive_instance_norm,
    "conditionalInstanceNorm": conditional_instance_norm,
    "filterResponseNorm": filter_response_norm,
    "weightStandardization": weight_standardization,
    "weightNorm": weight_norm,
    "spectralNorm": spectral_norm,
}


def specs():
    """(norm, options, {input: shape}); the first input is the one that is normalized."""
    for unbiased, alpha, content, style in (
        (True, 1.0, (2, 3, 4), (2, 3, 7)),
        (True, 0.6, (2, 2, 3, 3), (2, 2, 2, 5)),
        (False, 1.0, (1, 3, 2, 5), (1, 3, 3, 1)),
        (False, 0.25, (2, 2, 7), (2, 2, 3, 3)),
    ):
        options = {"eps": 1e-5, "unbiased": unbiased, "alpha": alpha}
        yield "adaptiveInstanceNorm", options, {"content": content, "style": style}

    rows = {"weight": (4, 3), "bias": (4, 3)}
    for names in (("weight", "bias"), ("weight",), ("bias",)):
        chosen = {name: rows[name] for name in names}
        labels = {"eps": 1e-5, "labels": [2, 0, 2, 2]}
        yield "conditionalInstanceNorm", labels, {"x": (4, 3, 5), **chosen}
        yield "conditionalInstanceNorm", {"eps": 1e-5}, {"x": (2, 3, 2, 3), **chosen, "styles": (2, 4)}

    channels = {"weight": (3,), "bias": (3,), "tau": (3,), "epsL": (1,)}
    for names in ((), ("weight",), ("bias",), ("weight", "bias", "tau"), ("weight", "epsL"), tuple(channels)):
        chosen = {name: channels[name] for name in names}
        yield "filterResponseNorm", {"eps": 1e-6}, {"x": (2, 3, 7), **chosen}
        yield "filterResponseNorm", {"eps": 0.5}, {"x": (2, 3, 3, 2), **chosen}

    for shape in ((4, 5), (3, 2, 3, 3), (2, 7, 1)):
        yield "weightStandardization", {"eps": 1e-6, "unbiased": False}, {"weight": shape}
        yield "weightStandardization", {"eps": 1e-5, "unbiased": True}, {"weight": shape}

    for dim, shape, g in (
        (0, (3, 4), (3, 1)),
        (1, (3, 4), (1, 4)),
        (None, (3, 4), ()),
        (0, (4, 2, 3, 3), (4, 1, 1, 1)),
        (1, (2, 3, 5), (1, 3, 1)),
    ):
        yield "weightNorm", {"dim": dim}, {"v": shape, "g": g}

    for dim, shape, m, n in ((0, (3, 5), 3, 5), (0, (3, 2, 2, 2), 3, 8), (1, (2, 3, 4), 3, 8)):
        name = f"spectralNorm vectors {shape} {dim}"
        u, v = Draw(name + " u").uniform((m,), 0.2, 0.9), Draw(name + " v").uniform((n,), 0.2, 0.9)
        yield "spectralNorm", {"dim": dim, "u": u.tolist(), "v": v.tolist()}, {"weight": shape}


def case(norm, options, shapes):
    shown = {key: value for key, value in options.items() if key not in ("u", "v")}
    name = f"{norm} {', '.join(f'{key} {list(shape)}' for key, shape in shapes.items())}, {shown}"
    draw = Draw(name)
    first, *_ = shapes
    inputs = {
        key: tensor(draw.normal(shape, 0.5) if key == first else draw.weight(shape), requires_grad=True)
        for key, shape in shapes.items()
    }
    grad_output = tensor(draw.normal(shapes[first]), requires_grad=True)
    output = NORMS[norm](options, **inputs)
    grads = torch.autograd.grad(output, list(inputs.values()), grad_output, create_graph=True)
    weights = {key: tensor(draw.normal(shape)) for key, shape in shapes.items()}
    total = sum((grad * weights[key]).sum() for key, grad in zip(inputs, grads))
    second = torch.autograd.grad(total, [grad_output, *inputs.values()], allow_unused=True)
    zero = [torch.zeros_like(leaf) for leaf in (grad_output, *inputs.values())]
    second = [z if grad is None else grad for grad, z in zip(second, zero)]
    assert torch.autograd.gradcheck(lambda *given: NORMS[norm](options, **dict(zip(inputs, given))), list(inputs.values()))
    return {
        "norm": norm,
        "name": name,
        "options": options,
        "inputs": {key: array(value) for key, value in inputs.items()},
        "gradOutput": array(grad_output),
        "output": array(output),
        "grads": {key: array(grad) for key, grad in zip(inputs, grads)},
        "double": {
            "weights": {key: array(value) for key, value in weights.items()},
            "gradOutput": array(second[0]),
            "grads": {key: array(grad) for key, grad in zip(inputs, second[1:])},
        },
    }


def layer(kind, shape):
    """A Linear or Conv2d with drawn parameters."""
    name = f"{kind} {shape}"
    made = torch.nn.Linear(shape[1], shape[0]) if kind == "Linear" else torch.nn.Conv2d(shape[1], shape[0], shape[2])
    made = made.double()
    with torch.no_grad():
        made.weight.copy_(tensor(Draw(name + " weight").weight(shape)))
        made.bias.copy_(tensor(Draw(name + " bias").weight(shape[:1])))
    return made, tensor(Draw(name + " x").normal((2, shape[1], *([5, 5] if kind == "Conv2d" else []))))


def state(module):
    return [{"key": key, "value": array(value)} for key, value in module.state_dict().items()]


def weight_norm_layers():
    for kind, shape, dim in (("Linear", (3, 4), 0), ("Linear", (3, 4), None), ("Conv2d", (2, 3, 3, 3), 0)):
        module, x = layer(kind, shape)
        plain = state(module)
        wrapped = torch.nn.utils.weight_norm(module, dim=dim)
        yield {
            "wrapper": "weightNorm", "layer": kind, "dim": dim, "plain": plain, "state": state(wrapped),
            "x": array(x), "output": array(wrapped(x)),
        }  # fmt: skip


def spectral_norm_layers():
    """Three forwards in training, one in evaluation; both of PyTorch's, from the same u and v."""
    for kind, shape, iterations in (("Linear", (3, 4), 1), ("Conv2d", (2, 3, 3, 3), 2)):
        module, x = layer(kind, shape)
        plain = state(module)
        weight = module.weight.detach().clone()
        draw = Draw(f"spectral {kind}")
        u, v = (torch.nn.functional.normalize(tensor(draw.normal((n,))), dim=0) for n in (shape[0], weight[0].numel()))
        for order in ("vThenU", "uThenV"):
            steps = []
            if order == "vThenU":
                wrapped = torch.nn.utils.spectral_norm(layer(kind, shape)[0], n_power_iterations=iterations)
                keys = list(wrapped.state_dict())
                wrapped.weight_u.copy_(u), wrapped.weight_v.copy_(v)
                names = ("weight_u", "weight_v")
            else:
                wrapped = layer(kind, shape)[0]
                torch.nn.utils.parametrizations.spectral_norm(wrapped, n_power_iterations=iterations)
                keys = None
                inner = wrapped.parametrizations.weight[0]
                inner._u.copy_(u), inner._v.copy_(v)
                names = ("parametrizations.weight.0._u", "parametrizations.weight.0._v")
            for training in (True, True, True, False):
                output = wrapped.train(training)(x)
                after = {name: value.clone() for name, value in wrapped.state_dict().items()}
                steps.append({"output": array(output), "u": array(after[names[0]]), "v": array(after[names[1]])})
            yield {
                "wrapper": "spectralNorm", "layer": kind, "order": order, "nPowerIterations": iterations, "keys": keys,
                "plain": plain, "u": array(u), "v": array(v), "x": array(x), "steps": steps,
            }  # fmt: skip


def generate():
    cases = [case(*spec) for spec in specs()]
    return write_json("adaptive.json", cases=cases, layers=[*weight_norm_layers(), *spectral_norm_layers()])
