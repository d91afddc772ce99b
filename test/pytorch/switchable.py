"""switchable.json: switchableNorm and batchRenorm in elementary PyTorch operations, first and second order by autograd.

switchableNorm: the formulas of the authors' code (switchablenorms/Switchable-Normalization, devkit/ops/switchable_norm.py:
unbiased instance variances, second moments that are averaged and have the square of the mean taken off), and the paper's,
where every variance is biased. batchRenorm: the paper's, and those of ludvb/batchrenorm.
"""

import torch

from common import Draw, array, close, tensor, write_json

EPS = 1e-5


def moments(x, names, unbiased, running):
    """Means and variances by name, each broadcasting to [N, C, M], as the authors compute them."""
    if x.shape[2] == 1 and "IN" not in names:  # [N, C]: variances over C and over N
        found = {"LN": (x.mean(1, keepdim=True), x.var(1, unbiased, keepdim=True))}
        if "BN" in names and running is None:
            found["BN"] = (x.mean(0, keepdim=True), x.var(0, unbiased, keepdim=True))
    else:
        mean = x.mean(2, keepdim=True)
        variance = x.var(2, unbiased, keepdim=True)
        second = variance + mean**2
        found = {"IN": (mean, variance)}
        for name, dim in (("LN", 1), ("BN", 0)):
            shared = mean.mean(dim, keepdim=True)
            found[name] = (shared, second.mean(dim, keepdim=True) - shared**2)
    if running is not None:
        found["BN"] = tuple(statistic.reshape(1, -1, 1) for statistic in running)
    return [found[name] for name in names]


def switchable_norm(inputs, names, unbiased, running=None):
    x, weight, bias, mean_weight, var_weight = inputs
    rows = x.reshape(x.shape[0], x.shape[1], -1)
    means, variances = zip(*moments(rows, names, unbiased, running))
    p, q = mean_weight.softmax(0), var_weight.softmax(0)
    mean = sum(share * value for share, value in zip(p, means))
    variance = sum(share * value for share, value in zip(q, variances))
    xhat = (rows - mean) / (variance + EPS).sqrt()
    return (xhat * weight.reshape(1, -1, 1) + bias.reshape(1, -1, 1)).reshape(x.shape)


def batch_renorm(inputs, running, convention, r_max, d_max, eps):
    x, weight, bias = inputs
    dims = [dim for dim in range(x.dim()) if dim != 1]

    def channels(value):
        return value.reshape([1, -1] + [1] * (x.dim() - 2))

    mean, variance = x.mean(dims, keepdim=True), x.var(dims, False, keepdim=True)
    std = (variance + eps).sqrt() if convention == "paper" else variance.sqrt() + eps
    r = (std.detach() / channels(running[1])).clamp(1 / r_max, r_max)
    d = ((mean.detach() - channels(running[0])) / channels(running[1])).clamp(-d_max, d_max)
    return ((x - mean) / std * r + d) * channels(weight) + channels(bias)


def differentiate(case, inputs, f, draw):
    """Output, gradients, and the gradients of the sum of each gradient times its cotangent."""
    leaves = {name: tensor(value, requires_grad=True) for name, value in inputs.items()}
    grad_output = tensor(draw.normal(inputs["x"].shape), requires_grad=True)
    output = f(list(leaves.values()))
    first = torch.autograd.grad(output, list(leaves.values()), grad_output, create_graph=True)
    cotangents = [draw.normal(value.shape) for value in inputs.values()]
    total = sum((gradient * tensor(cotangent)).sum() for gradient, cotangent in zip(first, cotangents))
    every = [*leaves.values(), grad_output]
    second = [
        torch.zeros_like(leaf) if gradient is None else gradient
        for leaf, gradient in zip(every, torch.autograd.grad(total, every, allow_unused=True))
    ]
    names = list(inputs)
    return {
        **case,
        "inputs": {name: array(value) for name, value in inputs.items()},
        "gradOutput": array(grad_output),
        "output": array(output),
        "gradients": dict(zip(names, map(array, first))),
        "cotangents": dict(zip(names, map(array, cotangents))),
        "second": dict(zip([*names, "gradOutput"], map(array, second))),
    }


SHAPES = [(2, 3, 2, 2), (3, 2, 1, 3), (1, 4, 2, 3), (2, 1, 3, 2), (4, 3, 2, 1), (2, 3, 2, 1, 2), (1, 2, 3, 2, 1)]
SHAPES += [(2, 5, 2, 1), (3, 3, 1, 2), (2, 2, 1, 1, 4)]
FLAT_SHAPES = [(4, 3), (2, 5), (7, 2)]


def switchable_cases():
    for shape in SHAPES + FLAT_SHAPES:
        flat = len(shape) == 2
        modes = [(["LN", "BN"] if flat else ["IN", "LN", "BN"], training) for training in (True, False)]
        if not flat:
            modes.append((["IN", "LN"], True))
        for names, training in modes:
            for unbiased in (True, False):
                if not unbiased and shape not in (SHAPES[0], SHAPES[5], FLAT_SHAPES[0]):
                    continue
                kind = "the authors' unbiased" if unbiased else "biased"
                mode = "training" if training else "evaluation"
                name = f"switchableNorm {list(shape)}, {', '.join(names)}, {mode}, {kind}"
                draw = Draw(name)
                running = None
                case = {"norm": "switchableNorm", "name": name, "unbiased": unbiased, "training": training}
                if not training:
                    values = draw.normal((shape[1],)), draw.uniform((shape[1],), 0.5, 2)
                    running = tuple(map(tensor, values))
                    case |= {"runningMean": array(values[0]), "runningVar": array(values[1])}
                inputs = {
                    "x": draw.normal(shape, 0.5, 1.0),
                    "weight": draw.weight((shape[1],)),
                    "bias": draw.normal((shape[1],)),
                    "meanWeight": draw.normal((len(names),)),
                    "varWeight": draw.normal((len(names),)),
                }
                def op(leaves, names=names, unbiased=unbiased, running=running):
                    return switchable_norm(leaves, names, unbiased, running)
                verify_biased(inputs, names, unbiased, running, name)
                yield differentiate(case, inputs, op, draw)


def verify_biased(inputs, names, unbiased, running, name):
    """With one logit far above the others the biased norm is PyTorch's instance_norm, layer_norm or batch_norm."""
    if unbiased or running is not None:
        return
    x, weight, bias = (tensor(inputs[key]) for key in ("x", "weight", "bias"))
    rows = x.reshape(x.shape[0], x.shape[1], -1)
    functional = torch.nn.functional
    expected = {
        "IN": lambda: functional.instance_norm(rows, weight=weight, bias=bias, eps=EPS),
        "LN": lambda: functional.group_norm(rows, 1, weight, bias, EPS),
        "BN": lambda: functional.batch_norm(rows, None, None, weight, bias, True, 0.1, EPS),
    }
    for k, chosen in enumerate(names):
        logits = torch.zeros(len(names), dtype=torch.float64)
        logits[k] = 1000
        actual = switchable_norm([x, weight, bias, logits, logits], names, False)
        close(actual.reshape(rows.shape), expected[chosen](), 1e-12, f"{name}: {chosen} alone")


def renorm_cases():
    for shape in [(4, 3), (3, 2, 5), (2, 3, 2, 3), (2, 2, 3, 1, 2)]:
        for convention, eps in (("paper", 1e-5), ("ludvb", 1e-3)):
            for r_max, d_max in ((1.0, 0.0), (1.25, 0.5), (3.0, 5.0)):
                name = f"batchRenorm {list(shape)}, {convention}, rMax {r_max:g}, dMax {d_max:g}"
                draw = Draw(name)
                values = draw.normal((shape[1],)), draw.uniform((shape[1],), 0.5, 2)
                inputs = {
                    "x": draw.normal(shape, 0.5, 1.0),
                    "weight": draw.weight((shape[1],)),
                    "bias": draw.normal((shape[1],)),
                }
                case = {"norm": "batchRenorm", "name": name, "convention": convention, "eps": eps}
                case |= {"rMax": r_max, "dMax": d_max, "runningMean": array(values[0]), "runningStd": array(values[1])}
                running = tuple(map(tensor, values))
                settings = running, convention, r_max, d_max, eps
                yield differentiate(case, inputs, lambda leaves, given=settings: batch_renorm(leaves, *given), draw)


def generate():
    return write_json("switchable.json", cases=[*switchable_cases(), *renorm_cases()])
