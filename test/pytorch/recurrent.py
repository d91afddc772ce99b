"""recurrent.json: recurrent cells, embedding, attention (first and second order), and more schedules of the rate.

scaled_dot_product_attention is of PyTorch 2: here it is written in elementary operations of 1.13.
"""

import math

import torch
import torch.nn.functional as F

from common import Draw, array, close, tensor, write_json


def case(op, detail, function, inputs, options=None):
    """Output and gradients for a random gradOutput, and the gradient of the sum of gradients times weights."""
    name = f"{op} {detail}"
    draw = Draw(name)
    leaves = {key: tensor(value, requires_grad=True) for key, value in inputs.items()}
    output = function(**leaves)
    grad_output = tensor(draw.normal(tuple(output.shape)), requires_grad=True)
    grads = torch.autograd.grad(output, list(leaves.values()), grad_output, create_graph=True)
    weights = [tensor(draw.normal(tuple(grad.shape))) for grad in grads]
    total = sum((grad * weight).sum() for grad, weight in zip(grads, weights))
    second = torch.autograd.grad(total, [grad_output, *leaves.values()], allow_unused=True)
    second = [torch.zeros_like(x) if s is None else s for s, x in zip(second, [grad_output, *leaves.values()])]
    positional = lambda *args: function(**dict(zip(leaves, args)))  # noqa: E731
    if op != "embedding" or options.get("paddingIdx") is None:  # differences move the constant row
        assert torch.autograd.gradcheck(positional, tuple(leaves.values())), name
    by_name = lambda values: {key: array(value) for key, value in zip(leaves, values)}  # noqa: E731
    return {
        "op": op,
        "name": name,
        "options": options or {},
        "inputs": {key: array(value) for key, value in inputs.items()},
        "gradOutput": array(grad_output),
        "output": array(output),
        "grads": by_name(grads),
        "double": {"weights": by_name(weights), "gradOutput": array(second[0]), "grads": by_name(second[1:])},
    }


def lstm(input, h, c, weightIh, weightHh, biasIh=None, biasHh=None):
    return torch.cat(torch.lstm_cell(input, (h, c), weightIh, weightHh, biasIh, biasHh), -1)


def gru(input, hx, weightIh, weightHh, biasIh=None, biasHh=None):
    return torch.gru_cell(input, hx, weightIh, weightHh, biasIh, biasHh)


def rnn(nonlinearity):
    function = torch.rnn_tanh_cell if nonlinearity == "tanh" else torch.rnn_relu_cell

    def call(input, hx, weightIh, weightHh, biasIh=None, biasHh=None):
        return function(input, hx, weightIh, weightHh, biasIh, biasHh)

    return call


def cell_cases():
    """One step of each cell, batched and not (the functions take batches only), with both biases and without."""
    for op, gates, function, options in [
        ("rnnCell", 1, rnn("tanh"), {"nonlinearity": "tanh"}),
        ("rnnCell", 1, rnn("relu"), {"nonlinearity": "relu"}),
        ("gruCell", 3, gru, {}),
        ("lstmCell", 4, lstm, {}),
    ]:
        for leading, input_size, hidden_size, has_bias in [((3,), 4, 2, True), ((2,), 3, 5, False), ((), 2, 3, True)]:
            words = "".join(f", {value}" for value in options.values())
            detail = f"{list(leading)}, {input_size} to {hidden_size}{words}{', bias' if has_bias else ''}"
            draw = Draw(f"{op} {detail} inputs")
            states = ("h", "c") if op == "lstmCell" else ("hx",)
            rows = gates * hidden_size
            inputs = {
                "input": draw.normal((*leading, input_size)),
                **{key: draw.normal((*leading, hidden_size)) for key in states},
                "weightIh": draw.normal((rows, input_size)),
                "weightHh": draw.normal((rows, hidden_size)),
            }
            if has_bias:
                inputs.update(biasIh=draw.normal((rows,)), biasHh=draw.normal((rows,)))
            batched = ("input",) + states

            def call(**arrays):
                if leading:
                    return function(**arrays)
                return function(**{k: v[None] if k in batched else v for k, v in arrays.items()})[0]

            yield case(op, detail, call, inputs, options)


def module_cases():
    """Keys, shapes and the bound of the initial numbers, and three steps from the state where none is passed."""
    for name, options in [
        ("RNNCell", {}),
        ("RNNCell", {"nonlinearity": "relu"}),
        ("GRUCell", {}),
        ("LSTMCell", {}),
        ("LSTMCell", {"bias": False}),
    ]:
        make = lambda: getattr(torch.nn, name)(4, 16, **options).double()  # noqa: E731
        bound = 1 / math.sqrt(16)
        largest = max(p.abs().max().item() for _ in range(30) for p in make().parameters())
        assert 0.97 * bound < largest <= bound * (1 + 1e-6), name
        module = getattr(torch.nn, name)(3, 4, **options).double()
        draw = Draw(f"{name} {options}")
        state = {key: draw.normal(tuple(value.shape), spread=0.5) for key, value in module.state_dict().items()}
        module.load_state_dict({key: tensor(value) for key, value in state.items()})
        xs, outputs, hx = [draw.normal((2, 3)) for _ in range(3)], [], None
        for x in xs:
            hx = module(tensor(x), hx)
            outputs.append(array(torch.cat(hx, -1) if isinstance(hx, tuple) else hx))
        yield {
            "module": name,
            "options": options,
            "state": [{"key": key, "value": array(value)} for key, value in state.items()],
            "bound": bound,
            "boundOf": [4, 16],
            "xs": [array(x) for x in xs],
            "outputs": outputs,
        }


def embedding_cases():
    for shape, rows, features, padding in [((4,), 5, 3, None), ((2, 3), 4, 2, None), ((2, 3), 3, 2, 1), ((5,), 3, 2, -1)]:
        detail = f"{list(shape)} of {rows}, paddingIdx {padding}"
        draw = Draw(detail)
        index = draw.integers(shape, rows)
        assert padding is None or (index == padding % rows).any(), detail
        call = lambda weight: F.embedding(tensor(index, torch.int64), weight, padding)  # noqa: E731
        options = {"paddingIdx": padding, "shape": list(shape), "input": index.ravel().tolist()}
        yield case("embedding", detail, call, {"weight": draw.normal((rows, features))}, options)


def attention(query, key, value, bias=None, scale=None, keep=None):
    scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if bias is not None:
        scores = scores + bias
    if keep is not None:
        scores = scores.masked_fill(~keep, -math.inf)
    return torch.softmax(scores, -1) @ value


def attention_cases():
    rows = [  # query, key, value, bias, options
        ((3, 4), (5, 4), (5, 2), None, {}),
        ((2, 3, 4), (2, 5, 4), (2, 5, 3), None, {"scale": 0.75}),
        ((2, 4, 3), (2, 4, 3), (2, 4, 3), None, {"isCausal": True}),
        ((2, 5), (4, 5), (4, 3), None, {"isCausal": True}),
        ((2, 2, 3, 2), (2, 2, 4, 2), (2, 2, 4, 3), (3, 4), {}),
        ((2, 3, 2), (4, 2), (1, 4, 3), (2, 1, 4), {}),
        ((3, 2), (4, 2), (4, 2), None, {"attnMask": [[True, False, True, True], [False, False, True, False], [True] * 4]}),
        ((2, 3, 2), (2, 4, 2), (2, 4, 2), None, {"attnMask": [[[True, True, False, True]], [[False, True, True, True]]]}),
    ]
    for query, key, value, bias, options in rows:
        detail = f"{list(query)} {list(key)} {list(value)}{'' if bias is None else f' bias {list(bias)}'} {options}"
        draw = Draw(detail)
        inputs = {"query": draw.normal(query), "key": draw.normal(key), "value": draw.normal(value)}
        if bias is not None:
            inputs["bias"] = draw.normal(bias)
        keep = None
        if options.get("isCausal"):
            keep = torch.ones(query[-2], key[-2], dtype=torch.bool).tril(0)
        if "attnMask" in options:
            keep = torch.tensor(options["attnMask"])
        call = lambda **arrays: attention(**arrays, scale=options.get("scale"), keep=keep)  # noqa: E731
        yield case("scaledDotProductAttention", detail, call, inputs, options)
    large = {"query": [[30.0, 0.0], [0.0, -40.0]], "key": [[30.0, 1.0], [-30.0, 2.0]], "value": [[1.0], [2.0]]}
    inputs = {key: tensor(value).numpy() for key, value in large.items()}
    yield case("scaledDotProductAttention", "large scores", attention, inputs, {})


def cosine(base, t, t_max, eta_min=0.0):
    return eta_min + (base - eta_min) * (1 + math.cos(math.pi * t / t_max)) / 2


def schedule_cases():
    """Rates (and momenta, of the one cycle) at the beginning and after each of up to 24 steps, of two groups."""
    schedules = torch.optim.lr_scheduler
    snake = {"totalIters": "total_iters", "startFactor": "start_factor", "endFactor": "end_factor", "maxLr": "max_lr"}
    snake |= {"totalSteps": "total_steps", "stepsPerEpoch": "steps_per_epoch", "pctStart": "pct_start"}
    snake |= {"annealStrategy": "anneal_strategy", "cycleMomentum": "cycle_momentum", "threePhase": "three_phase"}
    snake |= {"baseMomentum": "base_momentum", "maxMomentum": "max_momentum", "divFactor": "div_factor"}
    snake |= {"finalDivFactor": "final_div_factor", "tMax": "T_max", "etaMin": "eta_min", "stepSize": "step_size"}

    def made(optimizer, name, options):
        return getattr(schedules, name)(optimizer, **{snake.get(key, key): value for key, value in options.items()})

    rows = [  # scheduler, options, optimizer, steps
        ("MultiStepLR", {"milestones": [3, 8, 8, 15]}, "SGD", 24),
        ("MultiStepLR", {"milestones": [9, 2], "gamma": 0.7}, "SGD", 24),
        ("ExponentialLR", {"gamma": 0.9}, "SGD", 24),
        ("LinearLR", {}, "SGD", 12),
        ("LinearLR", {"startFactor": 0.25, "endFactor": 0.75, "totalIters": 7}, "SGD", 12),
        ("LinearLR", {"startFactor": 1.0, "endFactor": 0.1, "totalIters": 10}, "SGD", 12),
        ("OneCycleLR", {"maxLr": 0.6, "totalSteps": 20}, "SGD", 19),
        ("OneCycleLR", {"maxLr": [0.6, 0.1], "epochs": 3, "stepsPerEpoch": 7}, "Adam", 20),
        ("OneCycleLR", {"maxLr": 0.6, "totalSteps": 20, "annealStrategy": "linear", "pctStart": 0.45}, "Adam", 19),
        ("OneCycleLR", {"maxLr": 0.6, "totalSteps": 23, "threePhase": True, "cycleMomentum": False}, "SGD", 22),
        (
            "OneCycleLR",
            {
                "maxLr": 0.6,
                "totalSteps": 15,
                "threePhase": True,
                "baseMomentum": 0.7,
                "maxMomentum": [0.9, 0.8],
                "divFactor": 10,
                "finalDivFactor": 100,
            },
            "SGD",
            14,
        ),
        ("OneCycleLR", {"maxLr": 1.0, "totalSteps": 4, "pctStart": 0.0}, "SGD", 3),
    ]
    chains = [
        ([("LinearLR", {"totalIters": 4}), ("CosineAnnealingLR", {"tMax": 8, "etaMin": 0.01})], [4], 14),
        ([("ExponentialLR", {"gamma": 0.8}), ("StepLR", {"stepSize": 2}), ("LinearLR", {})], [3, 9], 16),
    ]
    lambdas = [lambda t: 0.95**t, lambda t: 1 / (1 + t)]  # the test has the same two
    for name, options, optimizer_name, steps in rows + [("LambdaLR", None, "SGD", 12)] + [
        ("SequentialLR", chain, "SGD", chain[2]) for chain in chains
    ]:
        params = [torch.zeros(1, requires_grad=True) for _ in range(2)]
        kind = {"SGD": lambda groups: torch.optim.SGD(groups, lr=0.3, momentum=0.5), "Adam": torch.optim.Adam}
        optimizer = kind[optimizer_name]([{"params": [params[0]], "lr": 0.3}, {"params": [params[1]], "lr": 0.1}])
        if name == "LambdaLR":
            schedule, shown = schedules.LambdaLR(optimizer, lambdas), {}
        elif name == "SequentialLR":
            parts = [made(optimizer, *part) for part in options[0]]
            schedule = schedules.SequentialLR(optimizer, parts, milestones=options[1])
            named = [{"scheduler": part, "options": values} for part, values in options[0]]
            shown = {"schedulers": named, "milestones": options[1]}
        else:
            schedule, shown = made(optimizer, name, options), options
        lrs, momenta = [], []
        for step in range(steps + 1):
            groups = optimizer.param_groups
            lrs.append([group["lr"] for group in groups])
            momenta.append([group["betas"][0] if "betas" in group else group["momentum"] for group in groups])
            optimizer.step()
            if step < steps:
                schedule.step()
        if name == "ExponentialLR":
            close(lrs, [[base * 0.9**t for base in (0.3, 0.1)] for t in range(steps + 1)], 1e-13, name)
        if name == "SequentialLR" and options is chains[0]:
            warm = [[b * (1 / 3 + 2 / 3 * t / 4) for b in (0.3, 0.1)] for t in range(4)]
            fall = [[cosine(b, t, 8, 0.01) for b in (0.3, 0.1)] for t in range(steps - 3)]
            close(lrs, warm + fall, 1e-13, name)
        yield {
            "scheduler": name,
            "options": shown,
            "optimizer": optimizer_name,
            "lrs": array(lrs),
            "momenta": array(momenta),
        }


def generate():
    cases = [*cell_cases(), *embedding_cases(), *attention_cases()]
    assert len({entry["name"] for entry in cases}) == len(cases), "two cases have one name"
    return write_json(
        "recurrent.json", cases=cases, modules=list(module_cases()), schedulers=list(schedule_cases())
    )
