"""Basins of attraction: from where iteration of V converges to a stable fixed point."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from ..activations import Activation
from ..activations.symbols import X
from ..kernels.plan import UNIT, plan_for
from .sign_patterns import rational, samples, signs_on

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_NEGLIGIBLE = sp.Rational(1, 10**60)  # irrational numbers are known to 80 digits
_GOLDEN = (3 - math.sqrt(5)) / 2


def grows_outwards(act: Activation) -> bool:
    """Whether phi^2 falls nowhere on the way out from 0, on either side; then V never decreases.

    For polynomial pieces certain; others are sampled.
    """
    if not act.is_polynomial:
        half_square = samples(act)[1]
        half_square = half_square[np.isfinite(half_square)]
        return bool((np.diff(half_square) >= -1e-12 * half_square[1:]).all())
    parts = sorted(plan_for(act).parts, key=lambda part: rational(part.start.subs(UNIT, 1)))
    ends: dict[sp.Expr, list[sp.Expr]] = {}
    for part in parts:
        start, stop = (rational(sp.sympify(end).subs(UNIT, 1)) for end in (part.start, part.stop))
        phi = sp.Poly(sum((rational(c.subs(UNIT, 1)) * X**k for k, c in enumerate(part.coefficients)), sp.S.Zero), X)
        square = (phi**2).set_domain("QQ")
        length = stop - start
        if any(sign < 0 for sign, _ in signs_on(square.diff(X), sp.S.Zero, length)):
            return False
        ends.setdefault(start, []).append(square.eval(0))
        if stop != sp.oo:
            ends.setdefault(stop, []).append(-square.eval(length))
    # Jumps of the two sides together: what goes out at a point less what came in.
    return all(sum(values) >= -_NEGLIGIBLE * max(values) for place, values in ends.items() if place != 0)


def basin(q: float, low: float, high: float, side: str, *, is_monotone: bool) -> tuple[float, float] | None:
    """The variances between which every start converges to the fixed point `q`, or None.

    Where V never decreases, the basin reaches to the next fixed points.  In general ``sqrt(x) E[phi^2]`` never
    decreases with the variance x, which bounds how far one step can throw across q: with y = x/q

        V(x) >= q y^(-1/2) for y > 1,    V(x) <= q y^(-1/2) for y < 1,

    and ``y^(-1/2) + y > 2`` for y > 1, ``< 2`` for (3 - sqrt 5)/2 < y < 1.  So a step that does not meet another fixed
    point brings x nearer to q, and an interval that no step leaves is part of the basin.

    Parameters
    ----------
    low, high : float
        The next fixed points, or 0 and inf.
    side : str
        From where it attracts: ``both``, ``below``, ``above`` or ``neither``.
    is_monotone : bool
        Whether V never decreases.
    """
    if is_monotone:
        return {"both": (low, high), "below": (low, q), "above": (q, high)}.get(side)
    if side != "both":
        return None
    high = min(high, q / _GOLDEN**2)
    low = max(low, q * _GOLDEN, q * (q / high) ** 2)
    return low, min(high, q * (q / low) ** 2)
