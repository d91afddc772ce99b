"""The loop of 04-digitsWithEveryNorm.ts in PyTorch, line by line: python3 examples/04-digitsWithEveryNorm.py [losses.json]

Trains 100 steps with each norm, from the initial weights and on the batches of test/pytorch/lesson04.json, and prints the
losses; beside those that the lesson has written (out/04-losses.json), if they are given. Needs torch 1.13 or newer, and numpy.
"""

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).parent.parent

NORMS = {
    "none": lambda channels, side: nn.Identity(),
    "BatchNorm": lambda channels, side: nn.BatchNorm2d(channels),
    "LayerNorm": lambda channels, side: nn.LayerNorm([channels, side, side]),
    "InstanceNorm": lambda channels, side: nn.InstanceNorm2d(channels, affine=True),
    "GroupNorm": lambda channels, side: nn.GroupNorm(4, channels),
}


def network(norm):
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        norm(8, 8),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        norm(16, 4),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


def train(model, loader, epochs, lr):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * len(loader))
    for _ in range(epochs):
        for images, labels in loader:
            model.train()
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            scheduler.step()
            yield loss.item()


def batches_of(rows):
    """The images and labels of data/digits.csv.gz at these rows, pixels from 0 to 1."""
    with gzip.open(ROOT / "data/digits.csv.gz", "rt") as file:
        digits = np.loadtxt(file, delimiter=",")
    images = torch.tensor(digits[:, :-1] / 16).reshape(-1, 1, 8, 8)
    labels = torch.tensor(digits[:, -1], dtype=torch.int64)
    return [(images[batch], labels[batch]) for batch in rows]


def losses_of(norm, start, loader):
    """The 100 losses that the lesson compares with."""
    model = network(norm)
    model.load_state_dict({key: torch.tensor(value) for key, value in start.items()}, strict=False)
    return list(train(model, loader, epochs=1, lr=0.3))


def main():
    torch.set_default_dtype(torch.float64)
    fixture = json.loads((ROOT / "test/pytorch/lesson04.json").read_text())
    theirs = json.loads(Path(sys.argv[1]).read_text()) if len(sys.argv) > 1 else None
    loader = batches_of(fixture["rows"])
    for name, norm in NORMS.items():
        losses = losses_of(norm, fixture["start"], loader)
        print(f"{name:12}  first loss {losses[0]:.12f}  last loss {losses[-1]:.12f}", end="")
        if theirs is not None:
            farthest = max(abs(mine - other) for mine, other in zip(losses, theirs[name]))
            print(f"  largest difference {farthest:.1e}", end="")
            assert len(losses) == len(theirs[name]) and farthest < 1e-9, f"{name}: other losses"
        print()


if __name__ == "__main__":
    main()
