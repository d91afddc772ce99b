"""Writes simple.json: python3 test/pytorch/simple.py (needs mpmath only).

Norms that PyTorch 1.13 does not have, or computes from elementary operations: rmsNorm, scaleNorm, normalize, dynamicTanh,
localResponseNorm, adaptiveLayerNorm. Each is written here once more, as a loop over 80-digit numbers. First and second
derivatives are central differences of that loop with a step of 1e-20: no derivative rule is involved, and what the step
leaves, 1e-40, is far below the double that is written.
"""

import json
import os

import mpmath
from mpmath import mp, mpf

mp.dps = 80
STEP = mpf(10) ** -20


def rows(x, size):
    return [x[i : i + size] for i in range(0, len(x), size)]


def rms_norm(options, x, weight=None):
    out = []
    for row in rows(x, options["features"]):
        rms = mpmath.sqrt(sum(v * v for v in row) / len(row) + mpf(options["eps"]))
        out += [v / rms * (weight[i] if weight else 1) for i, v in enumerate(row)]
    return out


def scale_norm(options, x, weight=None):
    out = []
    for row in rows(x, options["features"]):
        norm = mpmath.sqrt(sum(v * v for v in row))
        out += [v * (weight[0] if weight else 1) / max(norm, mpf(options["eps"])) for v in row]
    return out


def normalize(options, x):
    """Along the last dim."""
    p, out = options["p"], []
    for row in rows(x, options["features"]):
        sizes = [abs(v) for v in row]
        norm = max(sizes) if p == "inf" else sum(v ** mpf(p) for v in sizes) ** (1 / mpf(p))
        out += [v / max(norm, mpf(options["eps"])) for v in row]
    return out


def dynamic_tanh(options, x, alpha, weight, bias):
    n = options["features"]
    return [mpmath.tanh(alpha[0] * v) * weight[i % n] + bias[i % n] for i, v in enumerate(x)]


def local_response_norm(options, x):
    """torch's window, for x [N, C, 1]."""
    size, out = options["size"], []
    for row in rows(x, options["features"]):
        for c, v in enumerate(row):
            window = range(c - size // 2, c + (size - 1) // 2 + 1)
            squares = sum(row[j] ** 2 for j in window if 0 <= j < len(row))
            out.append(v / (mpf(options["k"]) + mpf(options["alpha"]) / size * squares) ** mpf(options["beta"]))
    return out


def adaptive_layer_norm(options, x, scale, shift):
    n = options["features"]
    per_sample = len(x) // (len(scale) // n)
    out = []
    for r, row in enumerate(rows(x, n)):
        mean = sum(row) / n
        std = mpmath.sqrt(sum((v - mean) ** 2 for v in row) / n + mpf(options["eps"]))
        at = r * n // per_sample * n
        out += [(v - mean) / std * (1 + scale[at + i]) + shift[at + i] for i, v in enumerate(row)]
    return out


X = [0.5, -1.25, 2.0, 0.75, -0.375, 1.5, -2.25, 0.125, 1.0, 3.0, -0.625, 0.25]  # [2, 2, 3] or [2, 6, 1]
SHAPE = [2, 2, 3]
W3, B3 = [1.5, -0.75, 0.625], [0.25, -0.5, 1.0]
W23, B23 = [0.5, -1.75, 0.25, 2.0, 0.75, -0.375], [1.0, 0.5, -0.25, -2.0, 0.125, 3.0]


def case(op, formula, name, options, *inputs, shape=SHAPE):
    return op, formula, name, options, [("x", shape, X), *inputs]


def cases():
    rms, scale, norm = "rmsNorm", "scaleNorm", "normalize"
    yield case(rms, rms_norm, "a weight", {"features": 3, "eps": 1e-5}, ("weight", [3], W3))
    yield case(rms, rms_norm, "no weight, a large eps", {"features": 3, "eps": 0.5})
    yield case(scale, scale_norm, "a weight", {"features": 3, "eps": 1e-5}, ("weight", [], [1.75]))
    yield case(scale, scale_norm, "two norms below eps and two above", {"features": 3, "eps": 2.5})
    for p in (1, 1.5, 2, 3, 4, "inf"):
        yield case(norm, normalize, f"p {p}", {"features": 3, "p": p, "eps": 1e-12})
    yield case(norm, normalize, "p 1, one norm below eps", {"features": 3, "p": 1, "eps": 3})
    affine = (("weight", [3], W3), ("bias", [3], B3))
    yield case("dynamicTanh", dynamic_tanh, "an affine map", {"features": 3}, ("alpha", [], [0.625]), *affine)
    for size, alpha, beta, k in ((2, 2, 0.75, 0), (3, 0.5, 0.75, 1), (5, 1e-4, 0.75, 1), (4, 1, 1.5, 2)):
        options = {"features": 6, "size": size, "alpha": alpha, "beta": beta, "k": k}
        yield case("localResponseNorm", local_response_norm, f"size {size}", options, shape=[2, 6, 1])
    modulation = (("scale", [2, 3], W23), ("shift", [2, 3], B23))
    yield case("adaptiveLayerNorm", adaptive_layer_norm, "two positions", {"features": 3, "eps": 1e-6}, *modulation)


def solve(op, formula, name, options, inputs):
    arrays = [[mpf(v) for v in values] for _, _, values in inputs]
    g = [mpf(v) / 8 for v in (7, -3, 5, 11, 2, -9, 4, -6, 13, -1, 10, -5)]
    # Cotangents of the gradients.
    v = [[mpf((5 * i + 3 * k) % 7 - 3) / 4 for i in range(len(a))] for k, a in enumerate(arrays)]

    def moved(t, s=0, k=0, cell=0):
        at = [[a + t * d for a, d in zip(array, direction)] for array, direction in zip(arrays, v)]
        at[k][cell] += s
        return formula(options, *at)

    def loss(t, s, k, cell):
        return sum(a * b for a, b in zip(g, moved(t, s, k, cell)))

    cells = [(k, cell) for k, a in enumerate(arrays) for cell in range(len(a))]
    first = {c: (loss(0, STEP, *c) - loss(0, -STEP, *c)) / (2 * STEP) for c in cells}
    mixed = lambda c: loss(STEP, STEP, *c) - loss(STEP, -STEP, *c) - loss(-STEP, STEP, *c) + loss(-STEP, -STEP, *c)
    second = {c: mixed(c) / (4 * STEP**2) for c in cells}
    by_grad_output = [(a - b) / (2 * STEP) for a, b in zip(moved(STEP), moved(-STEP))]

    def array(shape, values):
        # Below what the step leaves there is nothing.
        return {"shape": shape, "data": [0.0 if abs(value) < mpf(10) ** -30 else float(value) for value in values]}

    def grouped(values):
        return [array(shape, [values[k, i] for i in range(len(data))]) for k, (_, shape, data) in enumerate(inputs)]

    shape = inputs[0][1]
    return {
        "op": op,
        "name": name,
        "options": options,
        "inputs": [array(shape, values) for _, shape, values in inputs],
        "gradOutput": array(shape, g),
        "output": array(shape, moved(0)),
        "grads": grouped(first),
        "cotangents": [array(shape, values) for (_, shape, _), values in zip(inputs, v)],
        "second": [*grouped(second), array(shape, by_grad_output)],
    }


def main():
    document = {"generator": "test/pytorch/simple.py", "mpmath": mpmath.__version__}
    document["cases"] = [solve(*drawn) for drawn in cases()]
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in document.pop("cases"))
    head = json.dumps(document)[:-1]
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "simple.json"), "w") as file:
        file.write(f'{head}, "cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
