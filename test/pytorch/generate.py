"""Writes the reference values in this directory: python3 test/pytorch/generate.py [norms state nn ops adaptive switchable recurrent lesson04]

Needs Debian's python3-torch, python3-numpy and python3-mpmath. Every file is a function of the case names alone
(they seed the random numbers), and every value is cross-checked while it is made; a failed check stops the run.
"""

import importlib
import sys
import time

sys.dont_write_bytecode = True  # leave no __pycache__ beside the fixtures

import torch  # noqa: E402

FILES = ("norms", "state", "nn", "ops", "adaptive", "switchable", "recurrent", "lesson04")


def main():
    torch.set_num_threads(1)  # one order of summation
    torch.manual_seed(0)
    for name in sys.argv[1:] or FILES:
        start = time.perf_counter()
        size = importlib.import_module(name).generate()
        print(f"{name}.json: {size / 1000:.0f} kB in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
