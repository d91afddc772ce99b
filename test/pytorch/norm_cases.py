"""Which cases norms.json holds."""

from dataclasses import dataclass
from math import prod
from typing import Tuple

from exact import partition

BOTH, WEIGHT, BIAS, NEITHER = (True, True), (True, False), (False, True), (False, False)


@dataclass
class Spec:
    """What a case asks for. `affine` says whether weight and bias are there; `constant` gives one slice no variance."""

    norm: str
    shape: Tuple[int, ...]
    options: dict
    affine: Tuple[bool, bool] = BOTH
    eps: float = 1e-5
    dtype: str = "float64"
    mean: float = 0.0
    spread: float = 1.0
    constant: bool = False

    @property
    def evaluates(self):
        """Are the statistics constants?"""
        return not self.options.get("training", True) or not self.options.get("useInputStats", True)

    @property
    def has_flat_slice(self):
        """Has some slice no variance?"""
        part = partition(self.norm, self.shape, self.options)
        return self.constant or part.slices == prod(self.shape)

    @property
    def param_shape(self):
        return tuple(self.options["normalizedShape"]) if self.norm == "layerNorm" else (self.shape[1],)

    @property
    def name(self):
        attributes = ", ".join(f"{key} {str(value).lower()}" for key, value in self.options.items())
        params = {BOTH: "weight and bias", WEIGHT: "weight", BIAS: "bias", NEITHER: "no affine"}
        parts = [f"{self.norm} {list(self.shape)}", attributes, params[self.affine]]
        parts += [f"eps {self.eps:g}", self.dtype, f"mean {self.mean:g}"]
        parts += [f"spread {self.spread:g}"] if self.spread != 1 else []
        parts += ["one constant slice"] if self.constant else []
        return ", ".join(parts)


def specs():
    """Every case: small ones for the products of options, a few larger ones with all dims different."""
    bn, bn_eval = ("batchNorm", {"training": True}), ("batchNorm", {"training": False})
    inorm, in_eval = ("instanceNorm", {"useInputStats": True}), ("instanceNorm", {"useInputStats": False})

    def ln(*normalized_shape):
        return "layerNorm", {"normalizedShape": list(normalized_shape)}

    def gn(groups):
        return "groupNorm", {"numGroups": groups}

    small = [
        (bn, (7, 3)),
        (bn, (3, 2, 5)),
        (bn_eval, (5, 3, 2)),
        (ln(5), (3, 5)),
        (ln(3, 5), (2, 3, 5)),
        (inorm, (2, 3, 5)),
        (in_eval, (3, 2, 5)),
        (gn(2), (3, 10)),
        (gn(3), (2, 6, 3)),
    ]
    for (norm, options), shape in small:
        # Every combination of optional parameters, with each eps once.
        for affine, eps in [(WEIGHT, 1e-5), (BIAS, 1e-3), (NEITHER, 1e-5), (BOTH, 0.0), (BOTH, 1e-3)]:
            yield Spec(norm, shape, options, affine, eps)
        # Large means.
        for mean in (0.0, 1e2, 1e4, 1e6, 1e8):
            yield Spec(norm, shape, options, mean=mean)
        for mean in (0.0, 1e2, 1e4, 1e6):
            yield Spec(norm, shape, options, dtype="float32", mean=mean)
    for (norm, options), shape in [small[i] for i in (0, 2, 3, 5, 6, 8)]:
        for spread, mean in [(1e-3, 0.0), (1e-3, 1e4), (1e3, 1e8)]:
            yield Spec(norm, shape, options, mean=mean, spread=spread)
        for spread, mean in [(1e-3, 0.0), (1e3, 1e4)]:
            yield Spec(norm, shape, options, dtype="float32", mean=mean, spread=spread)
        if options.get("training", True):
            for affine in (WEIGHT, BIAS, NEITHER):
                yield Spec(norm, shape, options, affine, dtype="float32", mean=1e2)
    # Other ranks and groups.
    ranks = [
        (bn, (2, 3, 5, 7)),
        (bn_eval, (7, 5)),
        (bn, (3, 5, 1, 2, 1)),
        (bn_eval, (5, 3, 1, 2)),
        (ln(7), (3, 1, 5, 7)),
        (ln(3, 7), (5, 3, 7)),
        (ln(3, 5, 2), (7, 3, 5, 2)),
        (ln(2, 3, 5), (2, 3, 5)),
        (inorm, (2, 5, 3, 7)),
        (in_eval, (2, 5, 3, 1)),
        (inorm, (2, 3, 1, 7, 1)),
        (gn(1), (3, 5)),
        (gn(3), (5, 9)),
        (gn(1), (3, 5, 2)),
        (gn(5), (2, 5, 3)),
        (gn(1), (2, 3, 1, 5)),
        (gn(3), (2, 6, 5, 3)),
        (gn(7), (3, 7, 1, 5)),
        (gn(2), (2, 6, 1, 3, 1)),
    ]
    for (norm, options), shape in ranks:
        if prod(shape) < 60:
            yield Spec(norm, shape, options, mean=1e4)
        yield Spec(norm, shape, options)
    yield Spec("batchNorm", (5, 3, 7), {"training": True}, dtype="float32", mean=1e4)
    # Edges: one value in each group, and a slice without variance.
    yield Spec("groupNorm", (5, 3), {"numGroups": 3})
    yield Spec("layerNorm", (3, 1), {"normalizedShape": [1]}, mean=1e2)
    for (norm, options), shape in [(bn, (7, 3)), (ln(7), (3, 7))]:
        yield Spec(norm, shape, options, constant=True)
        yield Spec(norm, shape, options, constant=True, dtype="float32", mean=1e4)
    for (norm, options), shape in [(bn, (7, 3)), (ln(7), (3, 7)), (inorm, (2, 3, 7)), (gn(2), (3, 6, 1))]:
        yield Spec(norm, shape, options, eps=0.0, constant=True)
