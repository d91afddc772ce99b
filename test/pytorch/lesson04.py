"""lesson04.json: initial weights, batches, and the losses of examples/04-digitsWithEveryNorm.py, which it runs.

The same training with each norm written in elementary operations must give the same losses, to 1e-12: so much do
100 steps make of other roundings, or less. It is the room that the lesson's 1e-9 has.
"""

import runpy

import numpy as np
import torch
from torch import nn

from common import HERE, Draw, close, write_json

STEPS, BATCH, IMAGES, EPS = 100, 32, 1797, 1e-5

# The dims that share a mean and a variance, after a reshape to [N, groups, channels of a group, H, W].
PARTITIONS = {"BatchNorm": (0, 3, 4), "LayerNorm": (2, 3, 4), "InstanceNorm": (3, 4), "GroupNorm": (2, 3, 4)}
GROUPS = {"LayerNorm": 1, "GroupNorm": 4}


class Elementary(nn.Module):
    """A norm without torch's own: mean, variance, root."""

    def __init__(self, name, channels, side):
        super().__init__()
        shape = (channels, side, side) if name == "LayerNorm" else (channels, 1, 1)
        self.weight, self.bias = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.zeros(shape))
        self.dims, self.groups = PARTITIONS[name], GROUPS.get(name, channels)

    def forward(self, x):
        grouped = x.reshape(x.shape[0], self.groups, -1, *x.shape[2:])
        centered = grouped - grouped.mean(self.dims, keepdim=True)
        normalized = centered / torch.sqrt((centered**2).mean(self.dims, keepdim=True) + EPS)
        return normalized.reshape(x.shape) * self.weight + self.bias


def elementary(name):
    return lambda channels, side: Elementary(name, channels, side)


def generate():
    torch.set_default_dtype(torch.float64)
    lesson = runpy.run_path(f"{HERE}/../../examples/04-digitsWithEveryNorm.py")
    draw = Draw("lesson 04")
    start = {}
    for key, value in lesson["network"](lesson["NORMS"]["none"]).named_parameters():
        fan_in = {"0": 9, "4": 72, "9": 64}[key.split(".")[0]]
        bound = 1 / np.sqrt(fan_in)  # PyTorch's default initial numbers
        start[key] = draw.uniform(tuple(value.shape), -bound, bound).tolist()
    orders = [draw.random.permutation(IMAGES)[: IMAGES - IMAGES % BATCH].reshape(-1, BATCH) for _ in range(2)]
    rows = np.concatenate(orders)[:STEPS].tolist()
    loader = lesson["batches_of"](rows)
    losses = {}
    for name, norm in lesson["NORMS"].items():
        losses[name] = lesson["losses_of"](norm, start, loader)
        assert losses[name][-1] < 0.7 * losses[name][0], f"{name} does not learn: {losses[name]}"
        if name in PARTITIONS:
            other = lesson["losses_of"](elementary(name), start, loader)
            close(other, losses[name], 1e-12, name)
            print(f"{name}: elementary operations are {np.max(np.abs(np.subtract(other, losses[name]))):.1e} away")
    return write_json("lesson04.json", start=start, rows=rows, losses=losses)
