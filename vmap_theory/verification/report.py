"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VerificationRow:
    """One quantity at one point.

    Attributes
    ----------
    quantity : str
        ``second_moment``, ``slope_moment``, ``sparsity``, ``V``, ``dV``, ``d2V`` or ``chi_1``.
    point : dict of str to str
        Exact values of q, sigma_w2, sigma_b2 and the parameters.
    method : str
        Where `value` comes from: ``closed form``, or ``integral`` where no closed form is known: then a second
        quadrature that shares neither rule nor integrand with the reference.
    value, reference : str
        Both values, to the digits asked for.
    relative_error : float
        ``|value - reference| / |reference|``; where the reference is zero by cancellation, relative to the
        integral of the absolute integrand.
    enclosed : bool or None
        Whether the value lies in a rigorous enclosure by ball arithmetic; None if that was not asked for, or where the
        quantity is infinite.
    """

    quantity: str
    point: dict[str, str]
    method: str
    value: str
    reference: str
    relative_error: float
    enclosed: bool | None = None


@dataclass(frozen=True)
class VerificationReport:
    """What `verify` found.

    Attributes
    ----------
    activation : str
        Label of the activation.
    digits : int
        The digits asked for.
    passed : bool
        Every relative error is below ``10**-digits``, and no value lies outside its enclosure.
    max_relative_error : float
        The largest of all rows.
    rows : tuple of VerificationRow
        All comparisons.
    """

    activation: str
    digits: int
    passed: bool
    max_relative_error: float
    rows: tuple[VerificationRow, ...]

    @property
    def method(self) -> str:
        """``closed form``, or ``two quadratures`` where no closed form is known for some quantity."""
        exact = all(row.method == "closed form" for row in self.rows)
        return "closed form" if exact else "two quadratures"

    def summary(self) -> str:
        """One line for people."""
        verdict = "verified" if self.passed else "FAILED"
        worst = max(self.rows, key=lambda row: row.relative_error)
        kind = "" if self.method == "closed form" else f" (no closed form: {self.method})"
        if any(row.enclosed is not None for row in self.rows):
            outside = sum(row.enclosed is False for row in self.rows)
            kind += f", {outside} outside their rigorous enclosures" if outside else ", all inside rigorous enclosures"
        return (
            f"{self.activation}: {verdict} at {self.digits} digits{kind}, {len(self.rows)} comparisons, "
            f"largest relative error {self.max_relative_error:.1e} ({worst.quantity})"
        )
