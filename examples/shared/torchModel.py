"""Writes torchModel.safetensors and torchExample.safetensors beside it: python3 examples/shared/torchModel.py

Needs torch and safetensors. The model is trained a little first, so that its running statistics are not 0 and 1.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).parent


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.GroupNorm(2, 4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, 8),
        nn.LayerNorm(8),
        nn.ReLU(),
        nn.Linear(8, 3),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(30):
        images = torch.randn(16, 1, 4, 4) + 0.5
        labels = torch.bucketize(images.mean(dim=(1, 2, 3)), torch.tensor([0.4, 0.6]))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    model.eval()
    images = torch.randn(5, 1, 4, 4) + 0.5
    with torch.no_grad():
        logits = model(images)
    save_file(model.state_dict(), HERE / "torchModel.safetensors", metadata={"format": "pt"})
    save_file({"images": images, "logits": logits}, HERE / "torchExample.safetensors")


if __name__ == "__main__":
    main()
