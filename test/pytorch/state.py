"""state.json: what BatchNorm and InstanceNorm remember after each of several training steps, and use in eval mode."""

from dataclasses import dataclass
from typing import Optional

import numpy as np
import torch

from common import Draw, array, close, tensor, write_json


@dataclass
class Spec:
    """A module and the shapes of its training batches (of different sizes) and of its eval input."""

    module: str
    shapes: list
    eval_shape: tuple
    momentum: Optional[float] = 0.1
    eps: float = 1e-5
    affine: bool = True
    track: bool = True
    channels: int = 3
    note: str = ""

    @property
    def name(self):
        flags = f"affine {str(self.affine).lower()}, trackRunningStats {str(self.track).lower()}"
        momentum = "null" if self.momentum is None else self.momentum
        return f"{self.module}({self.channels}), momentum {momentum}, eps {self.eps:g}, {flags}" + self.note


def specs():
    """Each BatchNorm with three momenta, each InstanceNorm with two (it takes no None), and the switched-off flags."""
    shapes = {
        "1d": ([(7, 3), (5, 3, 2), (3, 3, 5), (9, 3)], (2, 3, 5)),
        "2d": ([(2, 3, 1, 5), (3, 3, 2, 1), (1, 3, 5, 2)], (2, 3, 2, 1)),
        "3d": ([(1, 3, 1, 5, 2), (3, 3, 1, 2, 1), (2, 3, 2, 1, 3)], (1, 3, 2, 1, 3)),
    }
    for rank, (batches, evaluated) in shapes.items():
        yield Spec("BatchNorm" + rank, batches, evaluated)
        yield Spec("BatchNorm" + rank, batches, evaluated, momentum=0.3, eps=1e-3)
        yield Spec("BatchNorm" + rank, batches, evaluated, momentum=None)
    yield Spec("BatchNorm1d", [(7, 5), (2, 5)], (3, 5), affine=False, channels=5)
    yield Spec("BatchNorm1d", [(7, 5), (2, 5)], (3, 5), track=False, channels=5)
    yield Spec("BatchNorm2d", [(2, 3, 1, 5), (3, 3, 2, 1)], (2, 3, 2, 1), affine=False, track=False)
    instance_shapes = {
        "1d": ([(2, 3, 5), (1, 3, 7), (5, 3, 2)], (2, 3, 5), [(3, 5), (3, 7), (2, 3, 5)], (3, 2)),
        "2d": ([(2, 3, 1, 5), (3, 3, 2, 1), (1, 3, 5, 2)], (2, 3, 2, 1), [(3, 5, 2), (3, 1, 7)], (3, 2, 5)),
        "3d": ([(2, 3, 1, 5, 1), (3, 3, 1, 2, 1)], (1, 3, 2, 1, 3), [(3, 1, 5, 2), (3, 7, 1, 1)], (3, 2, 1, 3)),
    }
    for rank, (batches, evaluated, single, single_evaluated) in instance_shapes.items():
        module = "InstanceNorm" + rank
        yield Spec(module, batches, evaluated)
        yield Spec(module, batches, evaluated, momentum=0.3, eps=1e-3, affine=False)
        yield Spec(module, single, single_evaluated, momentum=0.3, note=", unbatched")
    yield Spec("InstanceNorm1d", [(2, 3, 5), (3, 7)], (2, 3, 5), track=False, affine=False)


def replay(spec, batches, outputs, states, weight, bias, eval_input, eval_output):
    """Asserts outputs and running statistics against the rules of SPEC §1 and §4, in numpy."""
    batch_norm = spec.module.startswith("BatchNorm")
    rank = int(spec.module[-2])
    mean, variance, counted = np.zeros(spec.channels), np.ones(spec.channels), 0

    def normalized(x, statistics):
        batched = x if batch_norm or x.ndim == rank + 2 else x[None]
        channel = (1, -1) + (1,) * (batched.ndim - 2)
        dims = ((0,) if batch_norm else ()) + tuple(range(2, batched.ndim))
        if statistics is None:
            mu, var = batched.mean(dims, keepdims=True), batched.var(dims, keepdims=True)
        else:
            mu, var = (value.reshape(channel) for value in statistics)
        y = (batched - mu) / np.sqrt(var + spec.eps) * weight.reshape(channel) + bias.reshape(channel)
        n = np.prod([batched.shape[d] for d in dims])
        return y.reshape(x.shape), mu.mean(0).ravel(), var.mean(0).ravel() * n / (n - 1)

    for x, output, (running_mean, running_var, batches_tracked) in zip(batches, outputs, states):
        y, batch_mean, batch_var = normalized(x, None)
        close(output, y, 1e-13, spec.name)
        if spec.track:
            counted += 1 if batch_norm else 0  # InstanceNorm never counts
            momentum = 1 / counted if spec.momentum is None else spec.momentum
            mean = (1 - momentum) * mean + momentum * batch_mean
            variance = (1 - momentum) * variance + momentum * batch_var
            close(running_mean, mean, 1e-13, spec.name)
            close(running_var, variance, 1e-13, spec.name)
            assert batches_tracked == counted, spec.name
    close(eval_output, normalized(eval_input, (mean, variance) if spec.track else None)[0], 1e-13, spec.name)


def build(spec):
    """Trains the module (no gradients, only statistics), then evaluates it."""
    draw = Draw(spec.name)
    options = {"eps": spec.eps, "momentum": spec.momentum, "affine": spec.affine, "track_running_stats": spec.track}
    module = getattr(torch.nn, spec.module)(spec.channels, **options).double()
    weight, bias = np.ones(spec.channels), np.zeros(spec.channels)
    if spec.affine:
        weight, bias = draw.weight((spec.channels,)), draw.normal((spec.channels,))
        module.load_state_dict({**module.state_dict(), "weight": tensor(weight), "bias": tensor(bias)})

    batches = [draw.normal(shape, mean=i + 0.5, spread=1 + i / 3) for i, shape in enumerate(spec.shapes)]
    steps, outputs, states = [], [], []
    for x in batches:
        output = module(tensor(x)).detach().numpy()
        state = (module.running_mean, module.running_var, module.num_batches_tracked)
        state = tuple(None if value is None else value.numpy().copy() for value in state)
        outputs.append(output)
        states.append(state)
        encoded = [None if value is None else array(value) for value in state]
        names = ("runningMean", "runningVar", "numBatchesTracked")
        steps.append({"x": array(x), "output": array(output), **dict(zip(names, encoded))})
    eval_input = draw.normal(spec.eval_shape, mean=1)
    eval_output = module.eval()(tensor(eval_input)).detach().numpy()
    replay(spec, batches, outputs, states, weight, bias, eval_input, eval_output)
    return {
        "module": spec.module,
        "name": spec.name,
        "options": {
            "numFeatures": spec.channels,
            "eps": spec.eps,
            "momentum": spec.momentum,
            "affine": spec.affine,
            "trackRunningStats": spec.track,
        },
        "weight": array(weight) if spec.affine else None,
        "bias": array(bias) if spec.affine else None,
        "stateDictKeys": list(module.state_dict()),
        "steps": steps,
        "evalInput": array(eval_input),
        "evalOutput": array(eval_output),
    }


def generate():
    return write_json("state.json", cases=[build(spec) for spec in specs()])
