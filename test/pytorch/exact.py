"""The four classic norms in 80-digit arithmetic (set in common.py), in plain loops.

One set of formulas serves all. A *slice* is the set of n elements that share a mean and a variance; ⟨·⟩ is the mean
over the slice; g = gradOutput · weight.

    mu = ⟨x⟩,  var = ⟨(x − mu)²⟩ (biased),  s = 1/√(var + eps),  xhat = (x − mu) s,  y = xhat · weight + bias

    P(a) = a − ⟨a⟩ − xhat ⟨a xhat⟩                          self-adjoint
    gradInput = s P(g),  gradWeight = Σ gradOutput · xhat,  gradBias = Σ gradOutput

Double backward: the gradient of ⟨v, gradInput⟩ + ⟨u, gradWeight⟩ + ⟨t, gradBias⟩.

    by gradOutput   s · weight · P(v) + u · xhat + t
    by weight       Σ gradOutput · s · P(v)
    by x            s P(q) − s² xhat ⟨v P(g)⟩,   q = −s (v ⟨g xhat⟩ + g ⟨v xhat⟩) + u · gradOutput

With constant statistics (eval mode) P is the identity, and the gradient by x is s · u · gradOutput.
`verify` holds all of this to central differences in the same arithmetic, where a step of 1e-20 leaves 30 digits.
"""

from math import prod
from typing import NamedTuple

import mpmath
from mpmath import mpf


class Partition(NamedTuple):
    """For each element, in row-major order, the slice it belongs to and the weight it is multiplied with."""

    slice_of: list
    param_of: list
    slices: int
    params: int


def partition(norm, shape, options):
    """Which elements share statistics, and which share an affine parameter."""
    count = prod(shape)
    if norm == "layerNorm":
        n = prod(options["normalizedShape"])
        return Partition([i // n for i in range(count)], [i % n for i in range(count)], count // n, n)
    batch, channels, spatial = shape[0], shape[1], prod(shape[2:])
    channel = [i // spatial % channels for i in range(count)]
    sample = [i // (spatial * channels) for i in range(count)]
    constant = not options.get("training", True) or not options.get("useInputStats", True)
    if norm == "batchNorm" or constant:
        return Partition(channel, channel, channels, channels)
    groups = options["numGroups"] if norm == "groupNorm" else channels
    group = [n * groups + c * groups // channels for n, c in zip(sample, channel)]
    return Partition(group, channel, batch * groups, channels)


class ExactNorm:
    """A norm of x at given parameters. All arguments and results are flat lists of mpf; weight and bias may be None.

    `running` is None, or the constant (mean, variance) of each channel.
    """

    def __init__(self, part, x, weight, bias, eps, running=None):
        self.part, self.bias, self.constant = part, bias, running is not None
        self.weight = [mpf(1)] * part.params if weight is None else weight
        if running is None:
            mean = self.mean(x)
            variance = self.mean([(a - mean[k]) ** 2 for a, k in zip(x, part.slice_of)])
        else:
            mean, variance = running
        rstd = [mpf(0) if var + eps == 0 else 1 / mpmath.sqrt(var + eps) for var in variance]
        self.s = [rstd[k] for k in part.slice_of]
        self.w = [self.weight[p] for p in part.param_of]
        self.xhat = [(a - mean[k]) * rstd[k] for a, k in zip(x, part.slice_of)]

    def mean(self, values):
        """The mean of each slice."""
        sums, counts = [mpf(0)] * self.part.slices, [0] * self.part.slices
        for value, k in zip(values, self.part.slice_of):
            sums[k] += value
            counts[k] += 1
        return [total / n for total, n in zip(sums, counts)]

    def spread(self, values):
        """The mean of each slice, back at every element."""
        means = self.mean(values)
        return [means[k] for k in self.part.slice_of]

    def total(self, values):
        """The sum over all elements that share a parameter."""
        sums = [mpf(0)] * self.part.params
        for value, p in zip(values, self.part.param_of):
            sums[p] += value
        return sums

    def at_elements(self, params):
        """A parameter's cotangent at every element; zero if the parameter is absent."""
        return [mpf(0) if params is None else params[p] for p in self.part.param_of]

    def project(self, a):
        """P(a)."""
        if self.constant:
            return a
        along_one, along_xhat = self.spread(a), self.spread(times(a, self.xhat))
        return [value - one - xh * along for value, one, xh, along in zip(a, along_one, self.xhat, along_xhat)]

    def output(self):
        return [xh * w + b for xh, w, b in zip(self.xhat, self.w, self.at_elements(self.bias))]

    def backward(self, grad_output):
        """gradInput, gradWeight, gradBias."""
        return (
            times(self.s, self.project(times(grad_output, self.w))),
            self.total(times(grad_output, self.xhat)),
            self.total(grad_output),
        )

    def double_backward(self, grad_output, v, u, t):
        """The gradients by gradOutput, weight and x of ⟨v, gradInput⟩ + ⟨u, gradWeight⟩ + ⟨t, gradBias⟩."""
        g = times(grad_output, self.w)
        u, t = self.at_elements(u), self.at_elements(t)
        sPv = times(self.s, self.project(v))
        by_grad_output = [w * a + u_i * xh + t_i for w, a, u_i, xh, t_i in zip(self.w, sPv, u, self.xhat, t)]
        by_weight = self.total(times(grad_output, sPv))
        if self.constant:
            return by_grad_output, by_weight, times(self.s, times(u, grad_output))
        g_along, v_along = self.spread(times(g, self.xhat)), self.spread(times(v, self.xhat))
        through_rstd = self.spread(times(v, self.project(g)))
        q = [
            -s * (v_i * ga + g_i * va) + u_i * go
            for s, v_i, ga, g_i, va, u_i, go in zip(self.s, v, g_along, g, v_along, u, grad_output)
        ]
        by_x = [s * a - s * s * xh * r for s, a, xh, r in zip(self.s, self.project(q), self.xhat, through_rstd)]
        return by_grad_output, by_weight, by_x


def times(a, b):
    return [x * y for x, y in zip(a, b)]


def dot(a, b):
    return mpmath.fsum(times(a, b))


def exact_list(values):
    """The doubles of a numpy array as a flat list of mpf: no rounding. None stays None."""
    return None if values is None else [mpf(value) for value in values.ravel().tolist()]


def round_once(values):
    """Correctly rounded doubles: Python divides integers exactly and rounds once."""
    ratios = [mpmath.libmp.to_rational(value._mpf_) for value in values]
    doubles = [p / q for p, q in ratios]
    assert all(value == 0 or abs(value) > 1e-30 for value in doubles), "a rounding residue where zero is exact"
    return doubles


def verify(part, x, weight, bias, eps, running, grad_output, v, u, t, direction):
    """Asserts that backward and double backward agree with central differences along one random direction.

    `direction` moves (x, weight, bias, gradOutput); its part for an absent parameter is None.
    """
    step = mpf(10) ** -20
    dx, dweight, dbias, dgrad_output = direction

    def moved(values, tangent, sign):
        return values if tangent is None else [a + sign * step * d for a, d in zip(values, tangent)]

    def at(sign):
        return ExactNorm(part, moved(x, dx, sign), moved(weight, dweight, sign), moved(bias, dbias, sign), eps, running)

    def loss(sign):
        return dot(grad_output, at(sign).output())

    def second(sign):
        grad_input, grad_weight, grad_bias = at(sign).backward(moved(grad_output, dgrad_output, sign))
        return dot(v, grad_input) + (dot(u, grad_weight) if u else 0) + (dot(t, grad_bias) if t else 0)

    def agree(what, function, gradients, tangents):
        terms = [a * b for grad, tangent in zip(gradients, tangents) if tangent for a, b in zip(grad, tangent)]
        difference = (function(1) - function(-1)) / (2 * step)
        error = abs(difference - mpmath.fsum(terms))
        assert error <= mpf(10) ** -25 * (1 + mpmath.fsum(map(abs, terms))), f"{what} disagrees with differences"

    norm = at(0)
    agree("backward", loss, norm.backward(grad_output), (dx, dweight, dbias))
    by_grad_output, by_weight, by_x = norm.double_backward(grad_output, v, u, t)
    agree("double backward", second, (by_x, by_weight, by_grad_output), (dx, dweight, dgrad_output))
