"""PyTorch on one thread: reads a task as JSON from argv[1] and prints what worker.ts prints.

Tensors are what PyTorch users have, so they are made once; the step is the op, its backward and fresh gradients.
"""

import json
import sys
import time

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as error:
    print(json.dumps({"missing": "contestant", "reason": f"not installed ({error})"}))
    sys.exit(0)

EPS = 1e-5
TYPES = {"float32": np.float32, "float64": np.float64}


def values(seed, shape, dtype, mean=0.0, std=1.0):
    """data.ts: the same hash, the same numbers."""
    count = int(np.prod(shape))
    h = np.arange(count, dtype=np.uint32) + np.uint32((seed * 0x9E3779B9) & 0xFFFFFFFF)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    h = h ^ (h >> np.uint32(16))
    spread = std * np.sqrt(12.0) * ((h.astype(np.float64) + 0.5) / 2.0**32 - 0.5)
    return torch.from_numpy((mean + spread).astype(TYPES[dtype])).reshape(shape)


def switchable_norm(x, weight, bias, mean_weight, var_weight):
    """Written from primitives: biased variances, as in the paper."""
    n, c = x.shape[:2]
    flat = x.reshape(n, c, -1)
    mean_in = flat.mean(-1, keepdim=True)
    var_in = flat.var(-1, unbiased=False, keepdim=True)
    square = var_in + mean_in**2
    mean_ln, mean_bn = mean_in.mean(1, keepdim=True), mean_in.mean(0, keepdim=True)
    var_ln = square.mean(1, keepdim=True) - mean_ln**2
    var_bn = square.mean(0, keepdim=True) - mean_bn**2
    p, q = F.softmax(mean_weight, 0), F.softmax(var_weight, 0)
    mean = p[0] * mean_in + p[1] * mean_ln + p[2] * mean_bn
    var = q[0] * var_in + q[1] * var_ln + q[2] * var_bn
    y = (flat - mean) / (var + EPS).sqrt() * weight[:, None] + bias[:, None]
    return y.reshape(x.shape)


def norm(case):
    shape, dtype, op = case["shape"], case["dtype"], case["op"]
    size = shape[-1] if op in ("layerNorm", "rmsNorm") else shape[1]
    x = values(1, shape, dtype, case["mean"]).requires_grad_()
    weight = values(2, [size], dtype, 1.0, 0.25).requires_grad_()
    bias = values(3, [size], dtype, 0.0, 0.25).requires_grad_()
    grad = values(4, shape, dtype)
    leaves = [x, weight, bias]
    if op == "switchableNorm":
        leaves += [values(seed, [3], dtype).requires_grad_() for seed in (5, 6)]
    if op == "rmsNorm":
        leaves = leaves[:2]

    def apply():
        if op == "layerNorm":
            return F.layer_norm(x, [size], weight, bias, EPS)
        if op == "rmsNorm":  # PyTorch has one since 2.4
            if hasattr(F, "rms_norm"):
                return F.rms_norm(x, [size], weight, EPS)
            return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPS) * weight
        if op == "batchNorm":
            return F.batch_norm(x, None, None, weight, bias, True, 0.1, EPS)
        if op == "groupNorm":
            return F.group_norm(x, case["numGroups"], weight, bias, EPS)
        if op == "instanceNorm":
            return F.instance_norm(x, None, None, weight, bias, True, 0.1, EPS)
        return switchable_norm(*leaves)

    def step():
        for leaf in leaves:
            leaf.grad = None
        y = apply()
        y.backward(grad)
        return [y] + [leaf.grad for leaf in leaves]

    return step, op == "switchableNorm" or (op == "rmsNorm" and not hasattr(F, "rms_norm")), None


def matmul(case):
    shape = [case["size"], case["size"]]
    a, b = values(1, shape, case["dtype"]), values(2, shape, case["dtype"])
    return lambda: [a @ b], False, None


def mlp(case):
    (inputs, hidden, hidden2, classes), dtype = case["sizes"], case["dtype"]
    nn = torch.nn
    model = nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.LayerNorm(hidden, EPS),
        nn.ReLU(),
        nn.Linear(hidden, hidden2),
        nn.LayerNorm(hidden2, EPS),
        nn.ReLU(),
        nn.Linear(hidden2, classes),
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            layer, kind = name.split(".")
            if kind == "bias":
                start = values(20 + int(layer), parameter.shape, dtype, 0.0, 0.1)
            elif parameter.dim() == 1:
                start = values(10 + int(layer), parameter.shape, dtype, 1.0, 0.25)
            else:
                start = values(10 + int(layer), parameter.shape, dtype, 0.0, 1 / np.sqrt(parameter.shape[1]))
            parameter.copy_(start)
    x = values(1, [case["batch"], inputs], dtype)
    labels = torch.tensor([(7 * i) % classes for i in range(case["batch"])])
    optimizer = torch.optim.SGD(model.parameters(), lr=case["lr"])

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step, False, lambda: list(model.parameters())


def median(numbers):
    return sorted(numbers)[len(numbers) // 2]


def batch(step, goes_on):
    cpu, wall, done = time.process_time_ns(), time.perf_counter_ns(), 0
    while True:
        step()
        done += 1
        if not goes_on(done, (time.perf_counter_ns() - wall) / 1e9):
            break
    return (time.process_time_ns() - cpu) / done, (time.perf_counter_ns() - wall) / done


def status(name):
    """A line of /proc/self/status in bytes; None where there is none. (getrusage's maximum begins with the parent's.)"""
    try:
        with open("/proc/self/status") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith(name))
    except OSError:
        return None


def blas():
    """The library that multiplies matrices: a factor of twenty lies between the slowest and the fastest."""
    try:
        with open("/proc/self/maps") as file:
            found = sorted({line.split("/")[-1].strip() for line in file if "blas" in line or "libmkl" in line})
    except OSError:
        found = []
    return ", ".join(found) or "unknown BLAS"


def forget_peak():
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def main():
    task = json.loads(sys.argv[1])
    seconds, case = task["seconds"], task["case"]
    torch.set_num_threads(1)
    forget_peak()
    before = status("VmRSS:")
    make = {"matmul": matmul, "mlp": mlp}.get(case["op"], norm)
    step, from_primitives, after = make(case)
    answer = {"version": f"{torch.__version__}, {blas()}", "fromPrimitives": from_primitives, "kept": None}
    if task["results"] is not None:
        results = step()
        with open(task["results"], "wb") as file:
            for tensor in results if after is None else after():
                file.write(tensor.detach().to(torch.float64).contiguous().numpy().tobytes())
    if seconds > 0:
        warm = batch(step, lambda done, elapsed: elapsed < seconds / 2)
        steps = max(1, int(np.ceil(2e7 / warm[1])))
        times, start = [], time.perf_counter()
        while len(times) < 3 or time.perf_counter() - start < seconds:
            times.append(batch(step, lambda done, elapsed: done < steps))
        answer["cpu"], answer["wall"] = (median([time[i] for time in times]) for i in (0, 1))
        answer["peak"] = None if before is None else status("VmHWM:") - before
    else:
        answer["cpu"] = answer["wall"] = answer["peak"] = None
    print(json.dumps(answer))


main()
