"""`fixed_points`: all fixed points of one map, with more digits where float64 cannot tell them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import sympy as sp

from ..activations.symbols import X
from ..errors import DegenerateMapError, DtypeError, PrecisionError
from ..variance_map import VarianceMap
from .basins import basin, grows_outwards
from .ends import SearchInterval, search_interval
from .map_array import MapArray
from .precise import PreciseMap, PreciseMapArray, enclosing, exact_fraction
from .result import FixedPoint, FixedPoints
from .roots import refined
from .search import Bracket, brackets
from .sign_patterns import EndSigns, SignPattern, end_signs, sign_pattern
from .whole_polynomials import has_double_root

_CRITICAL = 1e-14  # relative error of the variances of an edge of chaos: its moments have 1e-15
_TIGHT, _TIGHT_ENOUGH = 1e-13, 1e-9  # relative widths of enclosures: pieces that are polynomials, and others, whose
# digits beyond float64 take seconds
_SCANNED, _MOST_SCANNED = 40, 200  # points a decade, and at most, whose signs are told with more digits
_MOST_SCANNED_SLOWLY = 12
_MOST_PRECISE_CELLS = 64
_MORE_DIGITS = (80, 160)
_LONG = 10.0  # a stretch of q for which no point stands
_TOUCHING = 1e-6  # of V/q - 1: more is no touch, whatever the error of its evaluation
_LEAST_Q, _LARGEST_Q, _STEP = 1e-280, 1e280, 16.0
_WIDE = 1e-6  # the same on an edge of chaos, whose variances are rounded
_SIDES = {(True, True): "both", (True, False): "below", (False, True): "above", (False, False): "neither"}


def fixed_points(vm: VarianceMap) -> FixedPoints:
    """Find all fixed points of a variance map on (0, oo), and prove that there are no others.

    V(q)/q - 1 is bounded on cells of q (for every activation E[phi^2 Z^(2k)] q^(k+1/2) never decreases); cells without
    a root are dropped, cells with certainly one are kept, the others are halved.  Where float64 cannot tell the sign of
    V(q) - q, 40 digits do.  For polynomial pieces the number of roots, counted with multiplicity, is at most the number
    of sign changes of ``sigma_w2 (phi(x)^2 + phi(-x)^2)/2 + sigma_b2 - x^2`` on x > 0, which is counted exactly.

    Parameters
    ----------
    vm : VarianceMap
        The map.  Its numbers are taken exactly as they are; with ``vm.q_star`` the two variances are those that make it
        an edge of chaos exactly.

    Returns
    -------
    FixedPoints
        Ascending, with ``is_complete``, ``diverges``, ``collapses`` and a ``proof`` in words.  Enclosures are a few
        units in the last place wide where V is not nearly tangent to q; on an edge of chaos as wide as the rounding of
        its two variances asks for.  For other than polynomial pieces they are below 1e-9 of q, and completeness rests
        on error bounds of quadrature and on samples of phi near 0 and far out; ``proof`` says so.

    Raises
    ------
    DegenerateMapError
        V(q) = q for all q, as for ReLU with sigma_w2 = 2 and no biases.
    PrecisionError
        The moments leave the range of float64.

    Examples
    --------
    >>> from vmap_theory import activation, clipping_level, edge_of_chaos
    >>> vm = clipping_level("cst", sparsity=0.85, target=0.9).variance_map
    >>> found = fixed_points(vm)
    >>> [(round(p.q, 4), p.stability) for p in found], found.is_complete
    ([(1.0, 'stable'), (1.2634, 'unstable'), (5.34, 'stable')], True)
    >>> found = fixed_points(edge_of_chaos(activation("relu_tau", tau=1)).variance_map)
    >>> [(p.q, p.stability, p.attracts_from) for p in found], found.diverges
    ([(1.0, 'semi-stable', 'below')], True)
    """
    if not isinstance(vm, VarianceMap):
        raise DtypeError(f"{type(vm).__name__} is no VarianceMap: give one, or the .variance_map of a result.")
    return _Search(vm).result()


@dataclass(frozen=True)
class _Root:
    """A root before it is told to users."""

    q: float
    lower: float
    upper: float
    sign_low: int
    sign_high: int
    multiplicity: int = 1
    is_proven: bool = True


class _Search:
    """The search on one map."""

    def __init__(self, vm: VarianceMap) -> None:
        self.vm, act = vm, vm.activation
        self.precise = None if act.function is not None else PreciseMap(vm)
        self.maps = MapArray(
            act,
            np.array([vm.sigma_w2]),
            np.array([vm.sigma_b2]),
            {},
            0.0 if vm.q_star is None else _CRITICAL + 4 * _distance_from_edge(vm, vm.q_star),
        )
        self.near_misses: list[float] = []
        self._wanted = _TIGHT if act.is_polynomial else _TIGHT_ENOUGH
        self.pattern = self._pattern(self.precise) if self.precise is not None and act.is_polynomial else None

    def _pattern(self, precise: PreciseMap) -> SignPattern:
        found = sign_pattern(self.vm.activation, *map(exact_fraction, precise.variances))
        if not found.signs:
            raise DegenerateMapError(
                f"V(q) = q for every q: {self.vm.activation.label} with sigma_w2 = {self.vm.sigma_w2:g}, "
                f"sigma_b2 = {self.vm.sigma_b2:g} keeps every variance, and no fixed point is isolated. "
                "Change sigma_w2 or sigma_b2 to get isolated ones."
            )
        return found

    def result(self) -> FixedPoints:
        if self.vm.sigma_w2 == 0:
            return self._constant()
        if self.pattern is not None and self.pattern.changes == 0:
            sign = self.pattern.signs[0]
            return self._told([], True, (sign, sign), (0.0, float("inf")))
        interval = search_interval(self.maps, self._ends())
        low, high = float(interval.low[0]), float(interval.high[0])
        found = self._brackets(interval)
        roots, unresolved = self._resolved(found)
        signs = int(interval.sign_low[0]), int(interval.sign_high[0])
        if self.pattern is not None:
            signs = self.pattern.signs[0], self.pattern.signs[-1]
        complete = not unresolved and interval.sign_low[0] != 0 and interval.sign_high[0] != 0
        if self.pattern is not None:
            complete |= self._is_full(roots)
            complete &= (len(roots) - self.pattern.changes) % 2 == 0 or any(root.multiplicity == 2 for root in roots)
        return self._told(roots, complete, signs, (low, high))

    def _constant(self) -> FixedPoints:
        """V is sigma_b2 everywhere."""
        q = self.vm.sigma_b2
        points = (FixedPoint(q, q, q, 0.0, 0.0, "stable", "both", (0.0, math.inf)),) if q else ()
        proof = "Without weights V(q) = sigma_b2 for every q."
        return FixedPoints(points, True, diverges=False, collapses=not q, proof=proof, searched=(0.0, math.inf))

    def _brackets(self, interval: SearchInterval) -> list[Bracket]:
        """The brackets in the interval; for a single change of sign it is one itself."""
        if interval.is_empty[0]:
            return []
        low, high = float(interval.low[0]), float(interval.high[0])
        if self.precise is None or self.pattern is None or self.pattern.changes != 1:
            return brackets(self.maps, interval.low, interval.high)[0]
        before, after = self.pattern.signs
        signs = self.maps.jets(np.zeros(2, dtype=np.intp), np.array([low, high])).sign.tolist()
        if signs == [before, after]:
            return [Bracket(low, high, before, after, is_single=True)]
        while self.precise.sign(low) != before and low > _LEAST_Q:
            low /= _STEP
        while self.precise.sign(high) != after and high < _LARGEST_Q:
            high *= _STEP
        return [Bracket(low, high, before, after, is_single=False)]

    def _is_full(self, roots: Sequence[_Root]) -> bool:
        """Whether as many roots are enclosed as psi has changes of sign."""
        proven = all(root.is_proven for root in roots)
        count = sum(root.multiplicity for root in roots)
        return proven and self.pattern is not None and count == self.pattern.changes

    def _ends(self) -> EndSigns:
        if self.pattern is None:
            return end_signs(self.maps)
        return EndSigns(
            np.array([self.pattern.signs[0]], dtype=np.int8),
            np.array([self.pattern.signs[-1]], dtype=np.int8),
            np.array([self.pattern.begin]),
            np.array([self.pattern.end]),
            np.array([False]),
        )

    def _resolved(self, found: Sequence[Bracket]) -> tuple[list[_Root], bool]:
        """The roots in the brackets, and whether any bracket is left of which the number of roots is not known."""
        sure = [bracket for bracket in found if bracket.is_single]
        roots = [self._single(bracket) for bracket in sure]
        left = [bracket for bracket in found if not bracket.is_single]
        unresolved = False
        for bracket in left:
            budget = None if self.pattern is None else self.pattern.changes - sum(root.multiplicity for root in roots)
            more, unknown = self._looked_into(bracket, budget)
            roots += more
            unresolved |= unknown
        return sorted(roots, key=lambda root: (root.q, root.upper)), unresolved

    def _looked_into(self, bracket: Bracket, budget: int | None) -> tuple[list[_Root], bool]:
        """Roots in a bracket that float64 cannot resolve; at most `budget` of them, if known."""
        known = self._double_root(bracket)
        if known is not None:
            return [known], budget != 2
        if self.precise is None:
            return self._unresolved(bracket)
        try:
            crossings = self._crossings(self.precise, bracket)
            if budget is not None and budget - len(crossings) < 2:  # they come and go in pairs
                return self._singles(bracket, crossings), False
            if not self.vm.activation.is_polynomial:  # seconds for each variance
                return (self._singles(bracket, crossings), True) if crossings else self._unresolved(bracket)
            if not crossings and bracket.is_bent_one_way and bracket.sign_low * bracket.sign_high > 0:
                return self._around_turning_point(self.precise, bracket)
            finer = self._finer(self.precise, bracket)
        except PrecisionError:  # the integrals of other than polynomial pieces need not settle to 40 digits
            return self._unresolved(bracket)
        left = [one for one in finer if not one.is_single]
        if left and crossings:
            return self._singles(bracket, crossings), True
        roots = self._singles(bracket, [one for one in finer if one.is_single])
        if left:
            more, _ = self._unresolved(bracket if len(left) > 1 else left[0])
            roots += more
        return roots, bool(left)

    def _around_turning_point(self, precise: PreciseMap, bracket: Bracket) -> tuple[list[_Root], bool]:
        """None or two roots where V/q is strictly convex or concave, by its sign where it turns."""
        for digits in (None, *_MORE_DIGITS):
            finest = precise if digits is None else PreciseMap(self.vm, digits)
            turn, sign = finest.turning_point(bracket.low, bracket.high)
            if sign:
                break
        else:  # a double root, to 160 digits
            q, ends, known = float(turn), enclosing(turn), has_double_root(self.vm)
            root = _Root(q, *ends, bracket.sign_low, bracket.sign_high, multiplicity=2, is_proven=known)
            return [root], not known
        if sign == bracket.sign_low:
            return self._singles(bracket, []), False
        pair = (finest.enclosed_root(bracket.low, turn), finest.enclosed_root(turn, bracket.high))
        signs = ((bracket.sign_low, sign), (sign, bracket.sign_high))
        return [_Root(low, low, high, *around) for (low, high), around in zip(pair, signs, strict=True)], False

    def _singles(self, bracket: Bracket, found: Sequence[Bracket]) -> list[_Root]:
        if not found:
            self.near_misses.append(_middle(bracket))
        return [self._single(one) for one in found]

    def _crossings(self, precise: PreciseMap, bracket: Bracket) -> list[Bracket]:
        """Neighbouring points of a coarse grid at which the digits give opposite signs."""
        most = _MOST_SCANNED if self.vm.activation.is_polynomial else _MOST_SCANNED_SLOWLY
        count = min(most, 3 + int(_SCANNED * math.log10(bracket.high / bracket.low)))
        points = [(q, precise.sign(q)) for q in np.geomspace(bracket.low, bracket.high, count).tolist()]
        certain = [(q, sign) for q, sign in points if sign != 0]
        return [
            Bracket(low, high, before, after, is_single=True)
            for (low, before), (high, after) in pairwise(certain)
            if before != after
        ]

    def _finer(self, precise: PreciseMap, bracket: Bracket) -> list[Bracket]:
        maps = PreciseMapArray(
            act=self.maps.act,
            sigma_w2=self.maps.sigma_w2,
            sigma_b2=self.maps.sigma_b2,
            parameters={},
            uncertainty=self.maps.uncertainty,
            precise=precise,
        )
        ends = np.array([bracket.low]), np.array([bracket.high])
        return brackets(maps, *ends, most_cells=_MOST_PRECISE_CELLS)[0]

    def _double_root(self, bracket: Bracket) -> _Root | None:
        """q_star where the edge of chaos is known to be a double root: V'(q_star) = chi_1 = 1 exactly.

        By the heat equation V' - chi_1 is sigma_w2 E[phi phi''], phi'' with its deltas at kinks: zero for a continuous,
        piecewise-linear phi that is zero at each of its kinks.
        """
        q, act = self.vm.q_star, self.vm.activation
        if q is None or not bracket.low <= q <= bracket.high or not act.is_polynomial or act.jumps:
            return None
        if bracket.sign_low * bracket.sign_high <= 0:
            return None
        straight = all(sp.degree(piece.expression, gen=X) <= 1 for piece in act.pieces)
        if not straight or any(float(act(float(kink.at))) != 0 for kink in act.kinks):
            return None
        return _Root(q, bracket.low, bracket.high, bracket.sign_low, bracket.sign_high, multiplicity=2)

    def _unresolved(self, bracket: Bracket) -> tuple[list[_Root], bool]:
        """A stretch on which V(q) = q to all digits that there are, as one point, unless it is too long for that."""
        crosses = bracket.sign_low * bracket.sign_high < 0
        jets = self.maps.jets(np.array([0]), np.array([_middle(bracket)]))
        if not crosses and (bracket.high > _LONG * bracket.low or abs(jets.ratio[0]) > _TOUCHING):
            return [], True
        ends = bracket.low, bracket.high, bracket.sign_low, bracket.sign_high
        q = self._by_floats(bracket).q if crosses else _middle(bracket)
        return [_Root(q, *ends, multiplicity=1 if crosses else 2, is_proven=False)], True

    def _single(self, bracket: Bracket) -> _Root:
        """The one root in a bracket; on an edge of chaos the enclosure holds for the rounded variances too."""
        root, q_star = self._by_floats(bracket), self.vm.q_star
        width = (root.upper - root.lower) / root.q
        if q_star is None or not bracket.low <= q_star <= bracket.high:
            wanted = self._wanted if q_star is None else _WIDE
            return root if width <= wanted or self.precise is None else _tightened(self.precise, root)
        if width > _WIDE and self.precise is not None:
            root = _tightened(PreciseMap(replace(self.vm, q_star=None)), root)
        return replace(root, q=q_star, lower=min(q_star, root.lower), upper=max(q_star, root.upper))

    def _by_floats(self, bracket: Bracket) -> _Root:
        ends = np.array([bracket.low]), np.array([bracket.high])
        found = refined(self.maps, np.array([0]), *ends, np.array([bracket.sign_low]))
        q, lower, upper = (float(value[0]) for value in (found.q, found.lower, found.upper))
        return _Root(q, lower, upper, bracket.sign_low, bracket.sign_high)

    def _told(
        self, roots: list[_Root], complete: bool, signs: tuple[int, int], searched: tuple[float, float]
    ) -> FixedPoints:
        places = np.array([root.q for root in roots])
        moments = self.vm.moments(places) if roots else None
        slopes = [] if moments is None else (self.vm.sigma_w2 * moments.d_second_moment).tolist()
        chis = np.atleast_1d(self.vm.chi_1(places)).tolist() if roots else []
        kinds = [_stability(root) for root in roots]
        is_monotone = any(kind != "unstable" for kind in kinds) and grows_outwards(self.vm.activation)
        points: list[FixedPoint] = []
        for root, slope, chi_1, kind in zip(roots, slopes, chis, kinds, strict=True):
            side = _SIDES[root.sign_low > 0, root.sign_high < 0] if kind != "unstable" else "neither"
            place = len(points)
            below = roots[place - 1].q if place else 0.0
            above = roots[place + 1].q if place + 1 < len(roots) else math.inf
            around = basin(root.q, below, above, side, is_monotone=is_monotone)
            points.append(FixedPoint(root.q, root.lower, root.upper, slope, chi_1, kind, side, around))
        return FixedPoints(
            tuple(points),
            is_complete=bool(complete),
            diverges=signs[1] > 0 if signs[1] else None,
            collapses=signs[0] < 0 if signs[0] else None,
            proof=self._proof(roots, bool(complete)),
            searched=searched,
            near_misses=tuple(sorted(self.near_misses)),
        )

    def _proof(self, roots: list[_Root], complete: bool) -> str:
        count = sum(root.multiplicity for root in roots)
        if self._is_full(roots):
            return (
                f"psi(x) = sigma_w2 (phi(x)^2 + phi(-x)^2)/2 + sigma_b2 - x^2 changes its sign {count} times on x > 0, "
                f"so V(q) = q has at most {count} solutions, counted with multiplicity, and as many are enclosed."
            )
        if not complete:
            return (
                "Not proven: somewhere V(q) = q to all digits that there are, or the sign of V(q) - q near 0 or far "
                "out is not known."
            )
        found = "On every cell between the enclosures V(q)/q - 1 is bounded away from 0; outside the interval searched "
        if self.pattern is not None:
            return found + "the signs of psi near 0 and far out decide."
        return (
            found + "the signs of psi near 0 and far out decide, as samples of phi show them. The bounds on cells rest "
            "on the error bounds of quadrature."
        )


def _distance_from_edge(vm: VarianceMap, q: float) -> float:
    """How far the variances of a map are from those that make the edge, relative: they may be typed by hand."""
    return max(abs(float(vm(q)) / q - 1), abs(float(vm.chi_1(q)) - 1))


def _tightened(precise: PreciseMap, root: _Root) -> _Root:
    """A root between neighbouring floats, or as near as the digits go, by bisection with their signs."""
    low, high = root.lower, root.upper
    try:
        precise.sign(low)
    except PrecisionError:  # the integrals of other than polynomial pieces need not settle to 40 digits
        return root
    while low < (middle := float(np.sqrt(low) * np.sqrt(high))) < high:
        sign = precise.sign(middle)
        if sign == 0:  # the root itself, to all digits; at its neighbours there are certain signs again
            lower = _stepped(precise, middle, low, root.sign_low)
            return replace(root, q=middle, lower=lower, upper=_stepped(precise, middle, high, root.sign_high))
        low, high = (middle, high) if sign == root.sign_low else (low, middle)
    return replace(root, q=low, lower=low, upper=high)


def _stepped(precise: PreciseMap, q: float, end: float, sign: int) -> float:
    """The nearest point to q towards `end`, by doubled steps, with a certain sign."""
    step = float(np.spacing(q))
    while step < abs(end - q):
        point = q + np.copysign(step, end - q)
        if precise.sign(point) == sign:
            return float(point)
        step *= 2
    return end


def _middle(bracket: Bracket) -> float:
    return float(np.sqrt(bracket.low) * np.sqrt(bracket.high))


def _stability(root: _Root) -> str:
    if root.multiplicity == 2:
        return "semi-stable"
    return "stable" if root.sign_low > 0 else "unstable"
