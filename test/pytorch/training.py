"""The second half of nn.json: optimizers, clipping, schedules, initialization, and one short training run."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from common import Draw, array, close, tensor


def optimizer_cases():
    """Two parameters through six steps with given gradients; the result is recomputed in numpy."""
    rows = [
        ("SGD", {"lr": 0.1}),
        ("SGD", {"lr": 0.05, "weightDecay": 0.03}),
        ("SGD", {"lr": 0.05, "momentum": 0.9}),
        ("SGD", {"lr": 0.05, "momentum": 0.7, "dampening": 0.2, "weightDecay": 0.03}),
        ("SGD", {"lr": 0.03, "momentum": 0.9, "nesterov": True}),
        ("SGD", {"lr": 0.03, "momentum": 0.8, "nesterov": True, "weightDecay": 0.01}),
        ("Adam", {"lr": 0.01, "betas": [0.9, 0.999], "eps": 1e-8, "weightDecay": 0.0}),
        ("Adam", {"lr": 0.03, "betas": [0.7, 0.95], "eps": 1e-3, "weightDecay": 0.0}),
        ("Adam", {"lr": 0.02, "betas": [0.8, 0.99], "eps": 1e-6, "weightDecay": 0.1}),
        ("AdamW", {"lr": 0.01, "betas": [0.9, 0.999], "eps": 1e-8, "weightDecay": 0.01}),
        ("AdamW", {"lr": 0.03, "betas": [0.7, 0.95], "eps": 1e-3, "weightDecay": 0.2}),
    ]
    for optimizer, options in rows:
        name = f"{optimizer} " + ", ".join(f"{key} {value}" for key, value in options.items())
        draw = Draw(name)
        initial = [draw.normal((2, 3)), draw.normal((5,))]
        grads = [[draw.normal((2, 3)), draw.normal((5,))] for _ in range(6)]
        grads[3][1] = np.zeros(5)
        params = [tensor(value, requires_grad=True) for value in initial]
        torch_options = {"weight_decay" if key == "weightDecay" else key: value for key, value in options.items()}
        stepper = getattr(torch.optim, optimizer)(params, **torch_options)
        steps = []
        for step_grads in grads:
            for param, grad in zip(params, step_grads):
                param.grad = tensor(grad)
            stepper.step()
            steps.append({"grads": list(map(array, step_grads)), "params": list(map(array, params))})
        replay = replay_sgd if optimizer == "SGD" else replay_adam
        for i, param in enumerate(params):
            expected = replay(initial[i], [step[i] for step in grads], decoupled=optimizer == "AdamW", **options)
            close(param.detach().numpy(), expected, 1e-14, name)
        named = {"optimizer": optimizer, "name": name, "options": options}
        yield {**named, "params": list(map(array, initial)), "steps": steps}


def replay_sgd(param, grads, lr, momentum=0, dampening=0, nesterov=False, weightDecay=0, decoupled=False):
    velocity = None
    for grad in grads:
        grad = grad + weightDecay * param
        velocity = grad if velocity is None else momentum * velocity + (1 - dampening) * grad
        param = param - lr * (grad + momentum * velocity if nesterov else velocity if momentum else grad)
    return param


def replay_adam(param, grads, lr, betas, eps, weightDecay, decoupled):
    first, second = 0, 0
    for t, grad in enumerate(grads, 1):
        if decoupled:
            param = param * (1 - lr * weightDecay)
        else:
            grad = grad + weightDecay * param
        first = betas[0] * first + (1 - betas[0]) * grad
        second = betas[1] * second + (1 - betas[1]) * grad**2
        param = param - lr * first / (1 - betas[0] ** t) / (np.sqrt(second / (1 - betas[1] ** t)) + eps)
    return param


def clipping_cases():
    """By norm, with limits that clip and one that does not; and by value."""
    draw = Draw("clipping")
    grads = [draw.normal((2, 3)), draw.normal((5,)), draw.normal((1,), spread=3)]
    for clip, limit, norm_type in [
        ("clipGradNorm_", 1.5, 2.0),
        ("clipGradNorm_", 1.5, 1.0),
        ("clipGradNorm_", 0.5, "inf"),
        ("clipGradNorm_", 1.5, 3.0),
        ("clipGradNorm_", 100.0, 2.0),
        ("clipGradValue_", 0.7, None),
    ]:
        params = [tensor(np.zeros(grad.shape), requires_grad=True) for grad in grads]
        for param, grad in zip(params, grads):
            param.grad = tensor(grad)
        case = {"clip": clip, "grads": list(map(array, grads))}
        if clip == "clipGradNorm_":
            total = torch.nn.utils.clip_grad_norm_(params, limit, float(norm_type)).item()
            together = np.concatenate([grad.ravel() for grad in grads])
            close(total, np.linalg.norm(together, float(norm_type)), 1e-14, clip)
            case.update(maxNorm=limit, normType=norm_type, totalNorm=total)
        else:
            torch.nn.utils.clip_grad_value_(params, limit)
            case.update(clipValue=limit)
        yield {**case, "clipped": [array(param.grad) for param in params]}


def schedule_cases():
    """Learning rates before the first and after each of 25 scheduler steps."""

    def cosine(options, base, t):
        low = options["etaMin"]
        return low + (base - low) * (1 + math.cos(math.pi * t / options["tMax"])) / 2

    def stairs(options, base, t):
        return base * options["gamma"] ** (t // options["stepSize"])

    for scheduler, torch_names, formula, options in [
        ("CosineAnnealingLR", {"tMax": "T_max", "etaMin": "eta_min"}, cosine, {"tMax": 10, "etaMin": 0}),
        ("CosineAnnealingLR", {"tMax": "T_max", "etaMin": "eta_min"}, cosine, {"tMax": 7, "etaMin": 0.003}),
        ("StepLR", {"stepSize": "step_size", "gamma": "gamma"}, stairs, {"stepSize": 3, "gamma": 0.5}),
        ("StepLR", {"stepSize": "step_size", "gamma": "gamma"}, stairs, {"stepSize": 7, "gamma": 0.1}),
    ]:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
        torch_options = {torch_names[key]: value for key, value in options.items()}
        schedule = getattr(torch.optim.lr_scheduler, scheduler)(optimizer, **torch_options)
        rates = [optimizer.param_groups[0]["lr"]]
        for _ in range(25):
            optimizer.step()
            schedule.step()
            rates.append(optimizer.param_groups[0]["lr"])
        close(rates, [formula(options, 0.3, t) for t in range(26)], 1e-13, scheduler)
        yield {"scheduler": scheduler, "options": options, "lr": 0.3, "lrs": array(rates)}


def initialization_cases():
    """Bounds of uniform and standard deviations of normal initializers, each seen to hold for PyTorch's own draws."""
    for module, constructor, fan_in in [
        ("Linear(20, 30)", lambda: torch.nn.Linear(20, 30), 20),
        ("Conv2d(3, 8, 3)", lambda: torch.nn.Conv2d(3, 8, 3), 27),
    ]:
        bound = math.sqrt(1 / fan_in)
        layers = [constructor() for _ in range(30)]
        for part in ("weight", "bias"):
            largest = max(getattr(layer, part).abs().max().item() for layer in layers)
            assert 0.97 * bound < largest <= bound * (1 + 1e-6), f"{module}: {part} reaches {largest}, bound {bound}"
        yield {"init": "default", "module": module, "fanIn": fan_in, "weightBound": bound, "biasBound": bound}
    for shape in ([30, 20], [8, 3, 3, 3]):
        fan_in, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
        rows = []  # init, options, gain, standard deviation
        for mode, fan in (("fan_in", fan_in), ("fan_out", fan_out)):
            for nonlinearity, a, gain in (("relu", 0, math.sqrt(2)), ("leaky_relu", math.sqrt(5), math.sqrt(1 / 3))):
                options = {"mode": mode, "nonlinearity": nonlinearity, "a": a}
                rows.append(("kaiming", options, gain, gain / math.sqrt(fan)))
        for gain in (1.0, math.sqrt(2)):
            rows.append(("xavier", {"gain": gain}, gain, gain * math.sqrt(2 / (fan_in + fan_out))))
        for family, options, gain, std in rows:
            common = {"shape": shape, "fanIn": fan_in, "fanOut": fan_out, "options": options, "gain": gain}
            bound = math.sqrt(3) * std
            observe(f"{family}_uniform_", shape, options, bound=bound)
            observe(f"{family}_normal_", shape, options, std=std)
            yield {"init": f"{family}Uniform_", **common, "bound": bound}
            yield {"init": f"{family}Normal_", **common, "std": std}


def observe(init, shape, options, bound=None, std=None):
    """Asserts that 30 draws of torch.nn.init have this bound or this standard deviation, within 3 %."""
    draws = torch.empty([30] + shape, dtype=torch.float64)
    for draw in draws:
        getattr(torch.nn.init, init)(draw, **options)
    value, seen = (std, draws.std().item()) if bound is None else (bound, draws.abs().max().item())
    assert 0.97 * value < seen < 1.03 * value, f"{init} {shape}: expected {value}, seen {seen}"
    assert bound is None or seen <= bound, f"{init} {shape}: {seen} exceeds the bound {bound}"


def training_run():
    """Linear, BatchNorm, ReLU, Linear under cross entropy and SGD: eight steps on one batch of seven."""
    draw = Draw("training run")
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5), torch.nn.ReLU(), torch.nn.Linear(5, 3)
    ).double()
    initial = {
        key: draw.weight(tuple(value.shape)) if key.endswith("weight") else draw.normal(tuple(value.shape), spread=0.3)
        for key, value in model.named_parameters()
    }
    model.load_state_dict({**model.state_dict(), **{key: tensor(value) for key, value in initial.items()}})
    options = {"lr": 0.1, "momentum": 0.9, "weightDecay": 1e-3}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
    x, labels = draw.normal((7, 4), mean=0.5, spread=2), draw.integers((7,), 3)

    def state():
        return {key: array(value) for key, value in model.state_dict().items()}

    run = {
        "layers": ["Linear(4, 5)", "BatchNorm1d(5)", "ReLU()", "Linear(5, 3)"],
        "loss": "crossEntropy",
        "optimizer": "SGD",
        "options": options,
        "x": array(x),
        "labels": array(labels),
        "initialState": state(),
    }
    losses, first_grads = [], None
    for _ in range(8):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(tensor(x)), tensor(labels, torch.int64))
        loss.backward()
        first_grads = first_grads or {key: array(param.grad) for key, param in model.named_parameters()}
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0], f"the run does not learn: {losses}"
    run.update(firstGrads=first_grads, losses=array(losses), finalState=state())
    return {**run, "evalLogits": array(model.eval()(tensor(x)))}
