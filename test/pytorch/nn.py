"""nn.json: layers, activations and losses here; what else it holds is in training.py."""

import mpmath
import numpy as np
import torch
import torch.nn.functional as F

from common import Draw, array, close, tensor, write_json
from training import clipping_cases, initialization_cases, optimizer_cases, schedule_cases, training_run

def op_case(op, detail, function, inputs, options=None, targets=None, exact=None):
    """An operation with its output and the gradients of its inputs for a random gradOutput.

    `function` takes the inputs as torch tensors by name and, by name too, the targets, which get no gradient.
    The gradients are checked by torch's gradcheck, the output against `exact` (a list of mpf) if that is given.
    """
    name = f"{op} {detail}"
    targets = targets or {}
    dtypes = {"i": torch.int64, "f": torch.float64}
    fixed = {key: tensor(value, dtypes[value.dtype.kind]) for key, value in targets.items()}
    leaves = {key: tensor(value, requires_grad=True) for key, value in inputs.items()}
    output = function(**leaves, **fixed)
    grad_output = Draw(name + " gradOutput").normal(tuple(output.shape))
    grads = torch.autograd.grad(output, list(leaves.values()), tensor(grad_output))
    positional = lambda *args: function(**dict(zip(leaves, args)), **fixed)  # noqa: E731
    assert torch.autograd.gradcheck(positional, tuple(leaves.values())), name
    if exact is not None:
        close(output.detach().numpy().ravel(), [float(value) for value in exact], 1e-15, name)
    return {
        "op": op,
        "name": name,
        "options": options or {},
        "inputs": {key: array(value) for key, value in {**inputs, **targets}.items()},
        "gradOutput": array(grad_output),
        "output": array(output),
        **{"grad" + key[0].upper() + key[1:]: array(grad) for key, grad in zip(leaves, grads)},
    }


def linear_cases():
    for shape, outputs, has_bias in [((7, 5), 3, True), ((7, 5), 3, False), ((2, 3, 5), 7, True), ((5,), 3, True)]:
        detail = f"{list(shape)} to {outputs}, {'bias' if has_bias else 'no bias'}"
        draw = Draw(detail)
        inputs = {"input": draw.normal(shape), "weight": draw.normal((outputs, shape[-1]))}
        if has_bias:
            inputs["bias"] = draw.normal((outputs,))
        yield op_case("linear", detail, F.linear, inputs)


def convolution_cases():
    """Strides, padding, dilation and groups alone and together; asymmetric in 2d."""
    one = [  # input, [out channels, kernel], stride, padding, dilation, groups, bias
        ((2, 3, 7), (5, 3), 1, 0, 1, 1, True),
        ((2, 3, 10), (5, 3), 2, 1, 1, 1, False),
        ((3, 2, 9), (3, 2), 1, 2, 3, 1, True),
        ((2, 6, 11), (9, 3), 3, 2, 2, 3, True),
        ((1, 5, 7), (5, 3), 1, 1, 1, 5, False),
    ]
    two = [
        ((2, 3, 5, 7), (3, 3, 2), [1, 1], [0, 0], [1, 1], 1, True),
        ((1, 3, 7, 5), (2, 3, 3), [2, 2], [1, 1], [1, 1], 1, False),
        ((1, 2, 6, 9), (3, 2, 3), [2, 3], [1, 2], [1, 1], 1, True),
        ((1, 3, 7, 6), (2, 2, 3), [1, 1], [0, 1], [3, 2], 1, True),
        ((2, 6, 5, 3), (9, 3, 1), [2, 1], [1, 0], [1, 1], 3, True),
        ((1, 5, 6, 7), (5, 3, 3), [1, 2], [1, 1], [1, 1], 5, False),
        ((2, 7, 3, 5), (3, 1, 1), [1, 1], [0, 0], [1, 1], 1, True),
    ]
    for op, function, rows in (("conv1d", F.conv1d, one), ("conv2d", F.conv2d, two)):
        for shape, (channels, *kernel), stride, padding, dilation, groups, has_bias in rows:
            options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
            words = ", ".join(f"{key} {value}" for key, value in options.items())
            detail = f"{list(shape)}, kernel {kernel}, {words}, {'bias' if has_bias else 'no bias'}"
            draw = Draw(detail)
            inputs = {"input": draw.normal(shape), "weight": draw.normal((channels, shape[1] // groups, *kernel))}
            if has_bias:
                inputs["bias"] = draw.normal((channels,))
            call = lambda input, weight, bias=None: function(input, weight, bias, **options)  # noqa: E731
            yield op_case(op, detail, call, inputs, options)


def pooling_cases():
    for shape, kernel, stride, padding in [
        ((2, 3, 5, 7), [2, 2], [2, 2], [0, 0]),
        ((1, 3, 7, 5), [3, 3], [2, 2], [1, 1]),
        ((1, 2, 5, 9), [2, 3], [1, 2], [1, 0]),
        ((1, 2, 6, 7), [3, 2], [3, 2], [0, 1]),
        ((1, 3, 5, 6), [3, 5], [2, 1], [1, 2]),
    ]:
        options = {"kernelSize": kernel, "stride": stride, "padding": padding}
        detail = f"{list(shape)}, kernel {kernel}, stride {stride}, padding {padding}"
        inputs = {"input": Draw(detail).distinct(shape)}
        largest = lambda input: F.max_pool2d(input, kernel, stride, padding)  # noqa: E731
        average = lambda input: F.avg_pool2d(input, kernel, stride, padding)  # noqa: E731
        yield op_case("maxPool2d", detail, largest, inputs, options)
        yield op_case("avgPool2d", detail, average, inputs, {**options, "ceilMode": False, "countIncludePad": True})
    for shape, size in [((2, 3, 5, 7), [1, 1]), ((1, 3, 5, 7), [2, 3]), ((1, 2, 6, 9), [3, 3]), ((2, 3, 3, 2), [5, 3])]:
        detail = f"{list(shape)} to {size}"
        inputs = {"input": Draw(detail).normal(shape)}
        function = lambda input: F.adaptive_avg_pool2d(input, size)  # noqa: E731
        yield op_case("adaptiveAvgPool2d", detail, function, inputs, {"outputSize": size})


def activation_cases():
    """Ordinary and extreme arguments; the outputs are held to 80-digit arithmetic."""
    functions = {
        "relu": (F.relu, lambda x: max(x, mpmath.mpf(0))),
        "gelu": (F.gelu, lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2),
        "tanh": (torch.tanh, mpmath.tanh),
        "sigmoid": (torch.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x))),
    }
    inputs = {
        "of ordinary numbers": Draw("activations").normal((3, 7), spread=1.5),
        "of extreme numbers": np.array([-800, -37.5, -20.25, -8.5, -5.1, -1e-5, 2e-5, 0.3, 4.9, 6.5, 19.5, 41.25, 800]),
    }
    for op, (function, exact) in functions.items():
        for detail, x in inputs.items():
            expected = [exact(mpmath.mpf(value)) for value in x.ravel()]
            yield op_case(op, detail, lambda input: function(input), {"input": x}, exact=expected)
    large = np.array([[800, -800, 0.5, 799.5, 1], [-800, -801.5, -799, -800.25, -803], [1e3, 1e3, 3.5, -1e3, 999]])
    for op, function in (("softmax", torch.softmax), ("logSoftmax", torch.log_softmax)):
        for shape, dim in [((3, 5), 1), ((3, 5), 0), ((2, 3, 5), 1), ((2, 3, 5), -1), ((7,), 0)]:
            detail = f"{list(shape)} over dim {dim}"
            inputs = {"input": Draw(detail).normal(shape, spread=2)}
            yield op_case(op, detail, lambda input: function(input, dim), inputs, {"dim": dim})
        expected = [value for row in large for value in exact_log_softmax(row)]
        expected = expected if op == "logSoftmax" else [mpmath.exp(value) for value in expected]
        call = lambda input: function(input, 1)  # noqa: E731
        yield op_case(op, "of large logits", call, {"input": large}, {"dim": 1}, exact=expected)


def exact_log_softmax(row):
    row = [mpmath.mpf(value) for value in row]
    total = mpmath.log(mpmath.fsum(map(mpmath.exp, row)))
    return [value - total for value in row]


def loss_cases():
    """Every reduction; label smoothing and ignored labels; logits that overflow a naive exp."""
    draw = Draw("losses")
    logits, labels = draw.normal((7, 5), spread=2), draw.integers((7,), 5)
    some_ignored = np.where(np.arange(7) % 3 == 1, -100, labels)
    large = np.array([[800, -800, 0.5], [-800, 799, 800], [0.25, 800, 800], [-1, -2.5, 3]])
    pixels, pixel_labels = draw.normal((2, 3, 5)), draw.integers((2, 5), 3)
    rows = [  # logits, labels, detail, reduction, labelSmoothing
        (large, np.array([1, 2, 0, 2]), "of large logits", "mean", 0.0),
        (large, np.array([1, 2, 0, 2]), "of large logits", "mean", 0.1),
        (pixels, pixel_labels, "[2, 3, 5], classes in dim 1", "mean", 0.0),
    ]
    for reduction in ("mean", "sum", "none"):
        for smoothing in (0.0, 0.1):
            rows.append((logits, labels, "[7, 5]", reduction, smoothing))
            rows.append((logits, some_ignored, "[7, 5], two labels ignored", reduction, smoothing))
    for x, target, detail, reduction, smoothing in rows:
        options = {"reduction": reduction, "labelSmoothing": smoothing, "ignoreIndex": -100}
        words = f"{detail}, reduction {reduction}, labelSmoothing {smoothing:g}"
        call = lambda input, target: F.cross_entropy(  # noqa: E731
            input, target, reduction=reduction, label_smoothing=smoothing
        )
        yield op_case("crossEntropy", words, call, {"input": x}, options, {"target": target})

    prediction, truth = draw.normal((3, 7)), draw.normal((3, 7))
    binary, soft = draw.integers((3, 7), 2).astype(float), draw.uniform((3, 7), 0.1, 0.9)
    extreme = np.array([-800, 800, -800, 800, -40.5, 40.5, 0.1])
    answers = np.array([0, 1, 1, 0, 1, 0, 1.0])
    for reduction in ("mean", "sum", "none"):
        options = {"reduction": reduction}
        call = lambda input, target: F.mse_loss(input, target, reduction=reduction)  # noqa: E731
        yield op_case("mseLoss", f"reduction {reduction}", call, {"input": prediction}, options, {"target": truth})
        call = lambda input, target: F.binary_cross_entropy_with_logits(  # noqa: E731
            input, target, reduction=reduction
        )
        for detail, x, target in [
            ("binary targets", prediction, binary),
            ("soft targets", prediction, soft),
            ("extreme logits", extreme, answers),
        ]:
            name = f"{detail}, reduction {reduction}"
            yield op_case("bceWithLogitsLoss", name, call, {"input": x}, options, {"target": target})


def generate():
    op_generators = (linear_cases, convolution_cases, pooling_cases, activation_cases, loss_cases)
    ops = [case for cases in op_generators for case in cases()]
    assert len({case["name"] for case in ops}) == len(ops), "two cases have one name"
    return write_json(
        "nn.json",
        ops=ops,
        optimizers=list(optimizer_cases()),
        clipping=list(clipping_cases()),
        schedulers=list(schedule_cases()),
        init=list(initialization_cases()),
        training=training_run(),
    )
