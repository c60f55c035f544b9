"""The 50-digit moments over the whole domain that tests/data/make_domain_moments.py wrote."""

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def domain_data() -> dict[str, Any]:
    """Three groups: ``about``, ``moments`` and ``logs``; the last two map a family to its cases.

    A case of ``moments`` holds q, parameters (numbers, infinity included), the five moments as text of 50 digits, and
    ``d_size`` and ``d2_size``, the sums of the absolute values of the terms of the derivatives.  A case of ``logs``
    holds ``log_`` of the absolute values, ``log_density`` (of P(phi != 0)), the signs of the derivatives, and
    ``d2_size_over_value``, how many times larger than their sum the terms of the second derivative are.
    """
    data = json.loads((Path(__file__).parent / "data" / "domain_moments.json").read_text())
    for group in ("moments", "logs"):
        for cases in data[group].values():
            for case in cases:
                case["parameters"] = {
                    name: float(value) if isinstance(value, str) else value
                    for name, value in case["parameters"].items()
                }
    return data
