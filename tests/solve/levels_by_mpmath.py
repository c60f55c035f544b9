"""Clipping levels of crelu and cst at fifty digits, from erfc and exp alone."""

import mpmath

# In units of sqrt(q*), a is the threshold and c the level; for cst only half of the line is looked at.


def threshold(family: str, sparsity: float) -> mpmath.mpf:
    """tau / sqrt(q*) for this float, taken as exact."""
    s = mpmath.mpf(sparsity)
    return mpmath.sqrt(2) * mpmath.erfinv(s if family == "cst" else 2 * s - 1)


def upper(z: mpmath.mpf) -> mpmath.mpf:
    """P(Z > z)."""
    return mpmath.erfc(z / mpmath.sqrt(2)) / 2


def square(a: mpmath.mpf, c: mpmath.mpf, q: mpmath.mpf) -> mpmath.mpf:
    """E[phi^2] at variance q."""
    root = mpmath.sqrt(q)
    a, b, c = a / root, (a + c) / root, c / root
    inside = (1 + a * a) * (upper(a) - upper(b)) - a * mpmath.npdf(a) + (2 * a - b) * mpmath.npdf(b)
    return q * (inside + c * c * upper(b))


def square_slope(a: mpmath.mpf, c: mpmath.mpf, q: mpmath.mpf) -> mpmath.mpf:
    """dE[phi^2]/dq at variance q."""
    root = mpmath.sqrt(q)
    return upper(a / root) - upper((a + c) / root) - c / root * mpmath.npdf((a + c) / root)


def bend(a: mpmath.mpf, c: mpmath.mpf) -> mpmath.mpf:
    """2 d2E[phi^2]/dq2 at variance 1."""
    return a * (mpmath.npdf(a) - mpmath.npdf(a + c)) - c * (a + c) ** 2 * mpmath.npdf(a + c)


def level_at_fifty_digits(family: str, sparsity: float, q: float, target: float, start: float) -> dict[str, mpmath.mpf]:
    """What `clipping_levels` should return for these floats, taken as exact; `start` is near m."""
    with mpmath.workdps(80):
        root, a = mpmath.sqrt(mpmath.mpf(q)), threshold(family, sparsity)

        def slope(c: mpmath.mpf) -> mpmath.mpf:
            return square_slope(a, c, mpmath.mpf(1)) / (upper(a) - upper(a + c))

        c = mpmath.findroot(
            lambda c: slope(c) - mpmath.mpf(target), mpmath.mpf(start) / root, tol=mpmath.mpf(10) ** -140
        )
        inside = upper(a) - upper(a + c)
        return {
            "tau": a * root,
            "m": c * root,
            "sigma_w2": 1 / (2 * inside if family == "cst" else inside),
            "sigma_b2": q * (1 - square(a, c, mpmath.mpf(1)) / inside),
            "slope": slope(c),
            "curvature": bend(a, c) / (2 * q * inside),
        }


def inflection_at_fifty_digits(a: mpmath.mpf, start: float) -> mpmath.mpf:
    """m / sqrt(q*) where V''(q*) = 0, for a threshold a sqrt(q*)."""
    with mpmath.workdps(80):  # over c^2, for V'' vanishes with the level
        return mpmath.findroot(lambda c: bend(a, c) / c**2, mpmath.mpf(start), tol=mpmath.mpf(10) ** -120, maxsteps=100)


def saddle_node_at_fifty_digits(a: mpmath.mpf, start: float, at: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    """m / sqrt(q*) and q/q* where V(q) = q and V'(q) = 1, for a threshold a sqrt(q*)."""
    one = mpmath.mpf(1)

    def residuals(c: mpmath.mpf, q: mpmath.mpf) -> list[mpmath.mpf]:
        inside = upper(a) - upper(a + c)
        surplus = square(a, c, q) - square(a, c, one) - inside * (q - 1)
        return [surplus / a, (square_slope(a, c, q) - inside) / a]

    with mpmath.workdps(70):
        c, q = mpmath.findroot(residuals, (mpmath.mpf(start), mpmath.mpf(at)), tol=mpmath.mpf(10) ** -90, maxsteps=100)
    return c, q
