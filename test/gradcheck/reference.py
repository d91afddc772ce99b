"""Writes reference.json: /usr/bin/python3 test/gradcheck/reference.py

Needs Debian's python3-mpmath. Everything is computed in 120 digits; a second run writes the same bytes.

functions  exp, log, tanh, erf at double-double arguments: "hi lo" and, of the value, its three leading doubles "a b c",
           whose sum is the value to 150 bits or more.
norms      gradients of ⟨gradOutput, norm(x, weight, bias)⟩, each rounded once to a double. The norms are written here in
           plain loops, forward only, and differentiated by central differences with a step of 1e-30, so that neither a
           derivative rule nor a line of code is shared with what they check.

Numbers are the shortest decimals that read back as the same double, space-separated in a string.
"""

import json
import os
import random
from math import prod

import mpmath
from mpmath import mpf

mpmath.mp.dps = 120

HERE = os.path.dirname(os.path.abspath(__file__))
STEP = mpf(10) ** -30
EPS = 1e-5


def nearest(value):
    """The nearest double: Python divides integers exactly and rounds once."""
    p, q = mpmath.libmp.to_rational(value._mpf_)
    return p / q


def leading(value, count):
    """The first doubles of an expansion of value."""
    doubles = []
    for _ in range(count):
        doubles.append(nearest(value))
        value -= mpf(doubles[-1])
    return doubles


def text(doubles):
    return " ".join(repr(float(x)) for x in doubles)


# ── Functions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def spread(draw, low, high, count):
    return [draw.uniform(low, high) for _ in range(count)]


def powers(draw, low, high, count):
    """Numbers of every size from 10^low to 10^high."""
    return [10 ** draw.uniform(low, high) for _ in range(count)]


def arguments(name):
    draw = random.Random(name)
    if name == "log":
        sizes = powers(draw, -290, 290, 24) + powers(draw, -3, 3, 12) + [1.0, 2.0, 0.5, 2.0**-900, 2.0**900]
        near_one = [1 + sign * x for x in powers(draw, -15, -1, 16) + [2.0**-52] for sign in (1, -1)]
        sizes += near_one + spread(draw, 0.6, 1.6, 20)  # both sides of the border of the two formulas, |log x| = 0.4
        return [(x, low(draw, x)) for x in sizes] + [(1.0, tail) for tail in (1e-17, -3e-17, 1e-30, -2e-100)]
    limit = {"exp": 669, "tanh": 20, "erf": 9}[name]
    sizes = powers(draw, -250, -20, 6) + powers(draw, -20, -1, 16) + spread(draw, 0.15, 0.55, 24)
    sizes += spread(draw, 0.5, limit, 24) + [limit * 0.999, 1.0, 2.0, 3.0, 0.2, 0.34657359027997264]
    if name == "erf":
        sizes += spread(draw, 2.8, 3.2, 10)  # both sides of the border of the two formulas
    signed = [x * draw.choice((1, -1)) for x in sizes] + [-x for x in spread(draw, 0.1, limit, 8)]
    return [(x, low(draw, x)) for x in signed]


def low(draw, hi):
    """Something within half an ulp of hi, or nothing."""
    lo = draw.choice((0, 1, 1, 1)) * hi * draw.uniform(-1, 1) * 2.0**-54
    return lo if hi + lo == hi else 0.0


FUNCTIONS = {"exp": mpmath.exp, "log": mpmath.log, "tanh": mpmath.tanh, "erf": mpmath.erf}


def function_rows(name):
    return [text([hi, lo] + leading(FUNCTIONS[name](mpf(hi) + mpf(lo)), 3)) for hi, lo in arguments(name)]


# ── Norms ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def sets_and_parameters(norm, shape, groups):
    """For each element, row-major, the set that it is normalized with and the affine parameter that it meets."""
    cells = range(prod(shape))
    if norm == "layerNorm":
        return [i // shape[-1] for i in cells], [i % shape[-1] for i in cells]
    channels, positions = shape[1], prod(shape[2:])
    channel = [i // positions % channels for i in cells]
    if norm == "batchNorm":
        return channel, channel
    groups = channels if norm == "instanceNorm" else groups
    return [i // (positions * channels // groups) for i in cells], channel


def loss(x, weight, bias, grad_output, sets, parameters):
    """⟨gradOutput, norm(x, weight, bias)⟩"""
    total = mpf(0)
    for number in sorted(set(sets)):
        members = [i for i, own in enumerate(sets) if own == number]
        mean = sum((x[i] for i in members), mpf(0)) / len(members)
        variance = sum(((x[i] - mean) ** 2 for i in members), mpf(0)) / len(members)
        root = mpmath.sqrt(variance + mpf(EPS))
        for i in members:
            total += grad_output[i] * ((x[i] - mean) / root * weight[parameters[i]] + bias[parameters[i]])
    return total


def gradient(f, at):
    """Differences are good to some 55 digits; 48 of them are kept, since sums like gradBias may be exact ties of doubles."""

    def moved(i, step):
        return f([value + step if k == i else value for k, value in enumerate(at)])

    slopes = [(moved(i, STEP) - moved(i, -STEP)) / (2 * STEP) for i in range(len(at))]
    with mpmath.workdps(48):
        return [nearest(+slope) for slope in slopes]


def norm_case(norm, label, shape, groups, mean):
    draw = random.Random(f"{norm} {label} {shape} {mean}")
    sets, parameters = sets_and_parameters(norm, shape, groups)

    def normal(count, center=0.0):
        return [center + draw.gauss(0, 1) for _ in range(count)]

    x, grad_output = normal(prod(shape), mean), normal(prod(shape))
    weight, bias = normal(max(parameters) + 1, 1.5), normal(max(parameters) + 1)
    exact = [[mpf(value) for value in array] for array in (x, weight, bias, grad_output)]
    X, W, B, G = exact
    return {
        "norm": norm,
        "label": label,
        "shape": text_of_shape(shape),
        "mean": text([mean]),
        "eps": text([EPS]),
        "x": text(x),
        "weight": text(weight),
        "bias": text(bias),
        "gradOutput": text(grad_output),
        "gradInput": text(gradient(lambda at: loss(at, W, B, G, sets, parameters), X)),
        "gradWeight": text(gradient(lambda at: loss(X, at, B, G, sets, parameters), W)),
        "gradBias": text(gradient(lambda at: loss(X, W, at, G, sets, parameters), B)),
    }


def text_of_shape(shape):
    return " ".join(map(str, shape))


# Sets of 3, 7 and 10 values each.
NORMS = [
    ("layerNorm", "normalizedShape [{last}], weight, bias", ((2, 3), (2, 7), (2, 10)), None),
    ("batchNorm", "training, weight, bias", ((3, 2), (7, 2), (2, 2, 5)), None),
    ("instanceNorm", "input statistics, weight, bias", ((2, 2, 3), (1, 2, 7), (1, 2, 2, 5)), None),
    ("groupNorm", "numGroups 2, weight, bias", ((2, 6), (1, 2, 7), (1, 4, 5)), 2),
]


def main():
    norms = [
        norm_case(norm, label.format(last=shape[-1]), shape, groups, mean)
        for norm, label, shapes, groups in NORMS
        for shape in shapes
        for mean in (0.0, 1e4, 1e8)
    ]
    functions = {name: function_rows(name) for name in FUNCTIONS}
    document = {"generator": "test/gradcheck/reference.py", "mpmath": mpmath.__version__}
    with open(os.path.join(HERE, "reference.json"), "w") as file:
        json.dump({**document, "functions": functions, "norms": norms}, file, indent=2)
        file.write("\n")


main()
