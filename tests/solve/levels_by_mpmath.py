"""Clipping levels of crelu and cst at fifty digits, from erfc and exp alone."""

import mpmath


def level_at_fifty_digits(family: str, sparsity: float, q: float, target: float, start: float) -> dict[str, mpmath.mpf]:
    """What `clipping_levels` should return for these floats, taken as exact; `start` is near m."""
    with mpmath.workdps(80):
        s, root = mpmath.mpf(sparsity), mpmath.sqrt(mpmath.mpf(q))
        sides = 2 if family == "cst" else 1
        a = mpmath.sqrt(2) * mpmath.erfinv(s if sides == 2 else 2 * s - 1)

        def slope(c: mpmath.mpf) -> mpmath.mpf:
            inside = (mpmath.erfc(a / mpmath.sqrt(2)) - mpmath.erfc((a + c) / mpmath.sqrt(2))) / 2
            return 1 - c * mpmath.npdf(a + c) / inside

        c = mpmath.findroot(
            lambda c: slope(c) - mpmath.mpf(target), mpmath.mpf(start) / root, tol=mpmath.mpf(10) ** -140
        )
        b = a + c
        upper_a, upper_b = (mpmath.erfc(z / mpmath.sqrt(2)) / 2 for z in (a, b))
        square = (1 + a * a) * (upper_a - upper_b) - a * mpmath.npdf(a) + (2 * a - b) * mpmath.npdf(b) + c * c * upper_b
        bend = a * (mpmath.npdf(a) - mpmath.npdf(b)) - c * b * b * mpmath.npdf(b)
        return {
            "tau": a * root,
            "m": c * root,
            "sigma_w2": 1 / (sides * (upper_a - upper_b)),
            "sigma_b2": q * (1 - square / (upper_a - upper_b)),
            "slope": slope(c),
            "curvature": bend / (2 * q * (upper_a - upper_b)),
        }
