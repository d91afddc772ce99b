"""Writes reference.json, files of the reference implementation: python3 test/io/reference.py   (pip install safetensors numpy)

With a path, it reads that file instead and prints what is in it, to look at files that were written here.
"""

import base64
import json
import math
import struct
import sys
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

HERE = Path(__file__).parent
# bfloat16 is the upper half of float32, and numpy has no type for it.
BFLOAT16 = [0x3F80, 0xBFC0, 0x0001, 0x7F7F, 0x7F80, 0xFF80, 0x7FC0, 0x8000]
TINY = float(np.finfo(np.float64).smallest_subnormal)
FRACTIONS = {
    "float64": [1 / 3, -math.pi, 1.7976931348623157e308, TINY, -0.0, math.inf, -math.inf, math.nan],
    "float32": [1 / 3, -math.pi, 3.4028234663852886e38, 1.401298464324817e-45, -0.0, math.inf, -math.inf, math.nan],
    "float16": [1 / 3, -math.pi, 65504.0, 2.0**-24, 2.0**-14, -0.0, math.inf, -math.inf, math.nan],
}


def plain(value):
    """JSON has no -0, no infinities and no NaN: they are texts."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return "-0" if value == 0 and math.copysign(1, value) < 0 else value


def listed(array):
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": [plain(v) for v in array.ravel()]}


def case(name, arrays, metadata=None):
    file = safetensors.numpy.save(arrays, metadata)
    return made(name, file, {key: listed(array) for key, array in arrays.items()}, metadata)


def made(name, file, tensors, metadata=None):
    return {"name": name, "file": base64.b64encode(file).decode(), "metadata": metadata or {}, "tensors": tensors}


def whole(dtype):
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    return np.array([0, 1, max(least, -(2**53) + 1), min(most, 2**53 - 1)], dtype)


def bfloat16():
    bits = np.array(BFLOAT16, np.uint16)
    header = b'{"x":{"dtype":"BF16","shape":[2,4],"data_offsets":[0,16]}}      '
    file = struct.pack("<Q", len(header)) + header + bits.tobytes()
    assert safetensors.deserialize(file)[0][1]["dtype"] == "BF16"
    values = (bits.astype(np.uint32) << 16).view(np.float32).reshape(2, 4)
    return made("bfloat16", file, {"x": {**listed(values), "dtype": "bfloat16"}})


def cases():
    grid = np.arange(6, dtype=np.float64).reshape(2, 3) / 7
    yield case("no tensors", {})
    yield case("metadata alone", {}, {"ünïcode": "\"quoted\"\n"})
    yield case("order", {"b": grid, "a": grid.astype(np.float32), "c": grid.T.copy(), "A": grid[0].copy()}, {"format": "pt"})
    yield case("no dims, no values", {"scalar": np.array(2.5), "empty": np.zeros((0, 3)), "none": np.zeros((2, 0), np.float32)})
    yield case("names", {"layer.0.weight": grid, "ключ": grid[0].copy(), "a\"b\\": grid[1].copy(), "__proto__": grid[:, 0].copy()})
    state = {"weight": np.ones(3), "bias": np.zeros(3), "running_mean": np.array([0.1, -0.2, 0.3])}
    counted = {**state, "running_var": np.array([1.5, 0.5, 2.0]), "num_batches_tracked": np.array(7)}
    yield case("BatchNorm1d(3)", counted, {"format": "pt"})
    for dtype, values in FRACTIONS.items():
        yield case(dtype, {"x": np.array(values, dtype)})
    yield bfloat16()
    for dtype in ("int64", "uint64", "int32", "uint32", "int16", "uint16", "int8", "uint8"):
        yield case(dtype, {"x": whole(dtype)})
    yield case("bool", {"x": np.array([[True, False], [False, True]])})
    yield case("all at once", {dtype: np.array(values, dtype) for dtype, values in FRACTIONS.items()} | {"i": whole("int64"), "k": whole("int8")})


def main():
    if len(sys.argv) > 1:
        for name, array in safetensors.numpy.load_file(sys.argv[1]).items():
            print(name, json.dumps(listed(array)))
        return
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in cases())
    head = {"generator": "test/io/reference.py", "safetensors": safetensors.__version__, "numpy": np.__version__}
    start = ",\n".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in head.items())
    (HERE / "reference.json").write_text(f'{{\n{start},\n"cases":[\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
