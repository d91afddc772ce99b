"""What every generator shares: seeded numbers, the {shape, data} encoding and the JSON writer."""

import json
import os
import zlib

import mpmath
import numpy as np
import torch

mpmath.mp.dps = 80  # decimal digits, everywhere

HERE = os.path.dirname(os.path.abspath(__file__))


class Draw:
    """Random arrays seeded by a name: a case that is added or removed leaves all others as they were.

    Everything is a numpy float64 array. float64 numbers are short decimals (easy to read, and as inexact in binary as
    any other); float32 numbers are float32 values held in doubles.
    """

    def __init__(self, name, dtype="float64"):
        self.random = np.random.RandomState(zlib.crc32(name.encode()))
        self.dtype = dtype

    def representable(self, values, digits):
        if self.dtype == "float32":
            return np.asarray(values, np.float32).astype(np.float64)
        return np.vectorize(lambda value: round(float(value), digits), otypes=[float])(values)

    def normal(self, shape, mean=0.0, spread=1.0):
        """mean + spread · N(0, 1), to four digits of the spread (two more would only lengthen the file)."""
        return self.representable(mean + spread * self.random.randn(*shape), 4 - int(np.floor(np.log10(spread))))

    def uniform(self, shape, low, high):
        return self.representable(self.random.uniform(low, high, shape), 4)

    def weight(self, shape):
        """Both signs, and never 0 or ±1: a lost, doubled or absolute weight must show."""
        magnitudes = self.random.uniform(0.3, 0.9, shape) + self.random.randint(0, 2, shape) * 0.8
        return self.representable(magnitudes * self.random.choice([-1, 1], shape), 4)

    def integers(self, shape, high):
        return self.random.randint(0, high, shape)

    def distinct(self, shape):
        """Numbers that differ by at least 0.1, for operations that compare them."""
        count = int(np.prod(shape))
        return self.representable((self.random.permutation(count) - count / 2 + 0.3) / 7, 4).reshape(shape)


def array(value):
    """The encoding of every array: {"shape": [...], "data": [...]}, row-major; a number has shape []."""
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    value = np.asarray(value)
    return {"shape": list(value.shape), "data": value.ravel().tolist()}


def tensor(value, dtype=torch.float64, requires_grad=False):
    """A torch tensor with a copy of the values."""
    return torch.tensor(np.asarray(value), dtype=dtype, requires_grad=requires_grad)


def close(actual, expected, tolerance, what):
    """Asserts |actual − expected| ≤ tolerance · max(1, largest |expected|), everywhere."""
    actual, expected = np.asarray(actual, float), np.asarray(expected, float)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    if expected.size == 0:
        return
    error = np.max(np.abs(actual - expected)) / max(1.0, np.max(np.abs(expected)))
    assert error <= tolerance, f"{what}: off by {error:.1e} of the scale, allowed {tolerance:.0e}"


def write_json(name, **sections):
    """Writes one list element a line, so that a change reads well in a diff. Returns the size in bytes."""
    header = {
        "generator": "test/pytorch/generate.py",
        "torch": str(torch.__version__),
        "mpmath": mpmath.__version__,
        "numpy": np.__version__,
    }

    def compact(value):
        return json.dumps(value, separators=(",", ":"), allow_nan=False)

    def section(value):
        return "[\n" + ",\n".join(map(compact, value)) + "\n]" if isinstance(value, list) else compact(value)

    lines = [f'"{key}":{section(value)}' for key, value in {**header, **sections}.items()]
    path = os.path.join(HERE, name)
    with open(path, "w") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")
    return os.path.getsize(path)
