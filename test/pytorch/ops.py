"""ops.json: tensor operations, so that shapes, edges and gradients are PyTorch's."""

import numpy as np
import torch
import torch.nn.functional as F

from common import Draw, array, tensor, write_json


def op_case(op, detail, function, inputs, args=None, kinks=False):
    """An operation of several arrays with the gradient of each for a random gradOutput.

    `function` takes the inputs as torch tensors. If it answers (values, indices), the indices are listed too.
    The gradients are checked by gradcheck, unless an input stands on a kink, where differences say nothing.
    """
    name = f"{op} {detail}"
    leaves = [tensor(value, requires_grad=True) for value in inputs]
    result = function(*leaves)
    output, extra = (result, {}) if isinstance(result, torch.Tensor) else (result[0], {"indices": array(result[1])})
    grad_output = Draw(name).normal(tuple(output.shape))
    grads = torch.autograd.grad(output, leaves, tensor(grad_output))
    if not kinks:
        assert torch.autograd.gradcheck(function, tuple(leaves)), name
    return {
        "op": op,
        "name": name,
        "args": args or {},
        "inputs": list(map(array, inputs)),
        "gradOutput": array(grad_output),
        "output": array(output),
        **extra,
        "grads": list(map(array, grads)),
    }


def elementwise_cases():
    """Functions of one array, on arguments within their domain; then the kinks, where PyTorch's choice counts."""
    draw = Draw("elementwise")
    signed, positive = draw.normal((3, 5), spread=1.5), draw.uniform((3, 5), 0.1, 4)
    for op, function, x in [
        ("neg", torch.neg, signed),
        ("abs", torch.abs, signed),
        ("square", torch.square, signed),
        ("exp", torch.exp, signed),
        ("expm1", torch.expm1, signed),
        ("tanh", torch.tanh, signed),
        ("sigmoid", torch.sigmoid, signed),
        ("erf", torch.erf, signed),
        ("gelu", F.gelu, signed),
        ("relu", torch.relu, signed),
        ("reciprocal", torch.reciprocal, signed),
        ("log", torch.log, positive),
        ("log1p", torch.log1p, positive),
        ("sqrt", torch.sqrt, positive),
        ("rsqrt", torch.rsqrt, positive),
    ]:
        yield op_case(op, "elementwise", function, [x])
    at_zero = np.array([-1.5, 0.0, 2.5])
    yield op_case("abs", "at 0", torch.abs, [at_zero], kinks=True)
    yield op_case("relu", "at 0", torch.relu, [at_zero], kinks=True)
    for low, high in [(-0.7, 1.1), (None, 0.4), (-0.3, None)]:
        args = {"min": low, "max": high}
        yield op_case("clamp", f"between {low} and {high}", lambda x: torch.clamp(x, low, high), [signed], args)
    at_bounds = np.array([-2.0, -0.5, 0.25, 1.5, 3.0])
    args = {"min": -0.5, "max": 1.5}
    yield op_case("clamp", "at its bounds", lambda x: torch.clamp(x, **args), [at_bounds], args, kinks=True)


def power_cases():
    draw = Draw("powers")
    signed, positive = draw.normal((3, 5)), draw.uniform((3, 5), 0.1, 3)
    for exponent, base in [(2, signed), (3, signed), (-1, signed), (0, signed), (0.5, positive), (-1.5, positive)]:
        args = {"exponent": exponent}
        yield op_case("pow", f"to the number {exponent}", lambda x: torch.pow(x, exponent), [base], args)
    yield op_case("pow", "to an array", torch.pow, [positive, draw.normal((5,))])
    args = {"exponent": 2}
    yield op_case("pow", "at 0", lambda x: torch.pow(x, 2), [np.array([-1.5, 0.0, 2.5])], args)


def broadcasting_cases():
    functions = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div}
    functions.update(maximum=torch.maximum, minimum=torch.minimum)
    pairs = [((3, 5), (3, 5)), ((2, 3, 5), (5,)), ((3, 1), (2, 1, 5)), ((), (3, 5)), ((7, 1, 3), (5, 1))]
    for op, function in functions.items():
        for left, right in pairs:
            draw = Draw(f"broadcasting {left} {right}")
            inputs = [draw.normal(left), draw.weight(right)]
            yield op_case(op, f"of {list(left)} and {list(right)}", function, inputs)
    tied = [np.array([1.5, 2.5, -0.5]), np.array([1.5, -2.5, 3.5])]
    yield op_case("maximum", "of equal numbers", torch.maximum, tied, kinks=True)
    yield op_case("minimum", "of equal numbers", torch.minimum, tied, kinks=True)


def reduction_cases():
    """Over one dim, several and all, with and without keepdim."""
    x = Draw("reductions").distinct((2, 3, 5))
    for dims, keepdim in [
        ([0], False),
        ([1], True),
        ([1], False),
        ([-1], True),
        ([0, 2], False),
        ([1, -1], True),
        ([0, 1, 2], False),
        ([0, 1, 2], True),
    ]:
        args = {"dims": dims, "keepdim": keepdim}
        detail = f"over {dims}" + (", keepdim" if keepdim else "")
        for op in ("sum", "mean", "amax", "amin", "logsumexp"):
            yield op_case(op, detail, lambda x: getattr(torch, op)(x, dims, keepdim=keepdim), [x], args)
        for correction in (0, 1):
            variance = lambda x: torch.var(x, dims, correction=correction, keepdim=keepdim)  # noqa: E731
            words = f"{detail}, correction {correction}"
            yield op_case("var", words, variance, [x], {**args, "correction": correction})
        if len(dims) == 1:
            for op in ("max", "min"):
                extreme = lambda x: getattr(torch, op)(x, dims[0], keepdim=keepdim)  # noqa: E731
                yield op_case(op, detail, extreme, [x], {"dim": dims[0], "keepdim": keepdim})
    tied = np.array([[1.5, 2.5, 2.5], [3.5, 3.5, 3.5], [-0.5, -1.5, -2.5]])
    args = {"dims": [1], "keepdim": False}
    yield op_case("amax", "of equal numbers", lambda x: torch.amax(x, 1), [tied], args, kinks=True)
    yield op_case("amin", "of equal numbers", lambda x: torch.amin(x, 1), [tied], args, kinks=True)


def matmul_cases():
    for left, right in [
        ((3, 5), (5, 7)),
        ((5,), (5,)),
        ((5,), (5, 3)),
        ((3, 5), (5,)),
        ((2, 3, 5), (5, 7)),
        ((2, 3, 5), (2, 5, 1)),
        ((3, 5), (2, 5, 7)),
        ((5,), (2, 5, 3)),
        ((2, 3, 5), (5,)),
        ((3, 1, 2, 5), (2, 5, 3)),
        ((2, 1, 3, 5), (1, 3, 5, 2)),
    ]:
        detail = f"of {list(left)} and {list(right)}"
        draw = Draw(f"matmul {detail}")
        yield op_case("matmul", detail, torch.matmul, [draw.normal(left), draw.normal(right)])


def slices(rows):
    """Python slices from one row a dim: None for the whole dim, else [start, end, step]."""
    return tuple(slice(None) if row is None else slice(*row) for row in rows)


def shape_cases():
    """Operations that only move numbers."""
    x = Draw("shapes").normal((3, 5, 7))
    for rows in (
        [None, None, [1, 6, 2]],
        [[0, 3, 2], [1, None, None], None],
        [None, [-3, -1, None], [None, None, 3]],
        [[1, 2, 1], [None, 100, 2], [5, 2, 1]],
    ):
        yield op_case("slice", str(rows).replace("None", "null"), lambda x: x[slices(rows)], [x], {"slices": rows})
    small = Draw("small shapes").normal((2, 3, 5))
    for pad, value in [([1, 2], 0.0), ([0, 1, 2, 0], 0.5), ([1, 0, 0, 2, 1, 1], -1.5)]:
        args = {"pad": pad, "value": value}
        yield op_case("pad", f"{pad} with {value:g}", lambda x: F.pad(x, pad, value=value), [small], args)
    rows = [Draw(f"row {i}").normal((2, 3)) for i in range(3)]
    for dim in (0, 1, 2, -1):
        yield op_case("stack", f"in dim {dim}", lambda *xs: torch.stack(xs, dim), rows, {"dim": dim})
    for dim, shapes in [(0, [(2, 3), (1, 3), (5, 3)]), (1, [(2, 3), (2, 1)]), (-2, [(2, 3, 1), (2, 5, 1)])]:
        pieces = [Draw(f"cat {shape}").normal(shape) for shape in shapes]
        detail = f"{list(map(list, shapes))} in dim {dim}"
        yield op_case("cat", detail, lambda *xs: torch.cat(xs, dim), pieces, {"dim": dim})
    for dims in ([2, 0, 1], [1, 0, 2], [-1, 1, 0]):
        yield op_case("permute", str(dims), lambda x: x.permute(dims), [small], {"dims": dims})
    yield op_case("transpose", "0 and -1", lambda x: x.transpose(0, -1), [small], {"dim0": 0, "dim1": -1})
    for shape in ([5, 6], [-1, 3], [30], [3, 1, -1, 2]):
        yield op_case("reshape", f"to {shape}", lambda x: x.reshape(shape), [small], {"shape": shape})
    for before, shape in [((3, 1), [2, 3, 5]), ((), [3]), ((1, 5), [-1, 5]), ((2, 1, 5), [2, 3, -1])]:
        piece = Draw(f"expand {before}").normal(before)
        yield op_case("expand", f"{list(before)} to {shape}", lambda x: x.expand(shape), [piece], {"shape": shape})


def index_cases():
    """Chosen elements; an element chosen twice receives both gradients."""
    x = Draw("indexing").normal((3, 5))
    chosen = np.array([2, 0, 2, 1, 2, 0, 1])
    call = lambda x: torch.index_select(x, 0, tensor(chosen, torch.int64))  # noqa: E731
    yield op_case("indexSelect", "in dim 0", call, [x], {"dim": 0, "index": array(chosen)})
    for dim, index in [(1, [[4, 4], [0, 1], [3, 0]]), (0, [[2, 0, 0, 1, 2], [2, 1, 2, 1, 0]])]:
        call = lambda x: torch.gather(x, dim, torch.tensor(index))  # noqa: E731
        yield op_case("gather", f"in dim {dim}", call, [x], {"dim": dim, "index": array(index)})
    mask = np.array([[True, False, True, True, False], [False] * 5, [True] * 5])
    other = Draw("where").normal((5,))
    call = lambda x, y: torch.where(torch.tensor(mask), x, y)  # noqa: E731
    yield op_case("where", "with broadcasting", call, [x, other], {"condition": array(mask.astype(int))})


def generate():
    generators = (elementwise_cases, power_cases, broadcasting_cases, reduction_cases, matmul_cases, shape_cases)
    cases = [case for generator in (*generators, index_cases) for case in generator()]
    assert len({case["name"] for case in cases}) == len(cases), "two cases have one name"
    return write_json("ops.json", cases=cases)
