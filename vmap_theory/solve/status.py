"""What became of each element of a solve over arrays: one that has no solution is marked, and the others are solved."""

from __future__ import annotations

from enum import IntEnum


class SolveStatus(IntEnum):
    """Status of one element of `clipping_levels`, `edges_of_chaos` or a columnar table.

    Where the scalar functions raise an error, the functions of arrays put NaN and one of these numbers.

    Examples
    --------
    >>> SolveStatus(0), SolveStatus.NO_LEVEL.meaning
    (<SolveStatus.SOLVED: 0>, 'no clipping level in the range searched meets the criterion')
    """

    SOLVED = 0
    MISSING = 1
    NO_THRESHOLD = 2
    NO_LEVEL = 3
    INFINITE_SLOPE = 4
    FLAT = 5
    NEGATIVE_BIAS = 6
    OUT_OF_RANGE = 7
    UNRESOLVED = 8
    OUTSIDE = 9

    @property
    def meaning(self) -> str:
        """The status in words."""
        return _MEANINGS[self]

    @property
    def word(self) -> str:
        """The name as it stands in files, such as ``no_level``."""
        return self.name.lower()


_MEANINGS = {
    SolveStatus.SOLVED: "solved",
    SolveStatus.MISSING: "an argument is NaN",
    SolveStatus.NO_THRESHOLD: "no threshold of the parameter's domain gives the sparsity",
    SolveStatus.NO_LEVEL: "no clipping level in the range searched meets the criterion",
    SolveStatus.INFINITE_SLOPE: "E[phi'^2] is infinite, so no weight variance gives chi_1 = 1",
    SolveStatus.FLAT: "E[phi'^2] is 0 or too small, so no weight variance in float64 gives chi_1 = 1",
    SolveStatus.NEGATIVE_BIAS: "the edge of chaos would need a negative sigma_b2",
    SolveStatus.OUT_OF_RANGE: "E[phi^2] or E[phi'^2] leaves the range of float64 at q_star",
    SolveStatus.UNRESOLVED: "there is a clipping level, but float64 cannot tell it from its neighbours",
    SolveStatus.OUTSIDE: "there is no solution in the range of q* searched",
}
