"""A small training record, in the form that ``python -m validation --record`` writes."""

from typing import Any


def net(accuracy: list[float | None], sparsity: list[float | None]) -> dict[str, Any]:
    return {"curve": {"step": [0, 10, 20], "test_accuracy": accuracy, "sparsity": sparsity}}


def spread(values: list[float]) -> dict[str, Any]:
    if not values:
        return {"finite": 0, "median": None, "min": None, "max": None}
    return {"finite": len(values), "median": sum(values) / len(values), "min": min(values), "max": max(values)}


def fixed_point(q: float, stability: str) -> dict[str, Any]:
    return {"q": q, "slope": 0.7, "chi_1": 1.0, "stability": stability}


def training_record(verdict: str) -> dict[str, Any]:
    """Three variants of two nets: one trains, one loses its zeros, of one no net stays finite."""
    claim = {
        "verdict": verdict,
        "parameters": {"depth": 20, "width": 128, "rule": {"accuracy_bar": 0.5, "sparsity_floor": 0.75}},
        "seeds": [1, 2],
        "predictions": {
            "slope 0.7": {"trains": True, "fixed_points": [fixed_point(1.0, "stable")]},
            "slope 0.95": {
                "trains": False,
                "fixed_points": [fixed_point(1.0, "stable"), fixed_point(1.1, "unstable"), fixed_point(9.0, "stable")],
            },
            "unclipped": {"trains": False, "fixed_points": [fixed_point(1.0, "semi-stable")]},
        },
        "observations": {
            "slope 0.7": {
                "trained": 2,
                "accuracy": spread([0.80, 0.84]),
                "sparsity": spread([0.85, 0.83]),
                "nets": [net([0.1, 0.6, 0.80], [0.85] * 3), net([0.1, 0.5, 0.84], [0.83] * 3)],
            },
            "slope 0.95": {
                "trained": 0,
                "accuracy": spread([0.10, 0.12]),
                "sparsity": spread([0.13, 0.15]),
                "nets": [net([0.1, 0.1, 0.10], [0.85, 0.4, 0.13]), net([0.1, 0.1, 0.12], [0.85, 0.4, 0.15])],
            },
            "unclipped": {
                "trained": 0,
                "accuracy": spread([]),
                "sparsity": spread([]),
                "nets": [net([0.1, None, None], [0.85, None, None])] * 2,
            },
        },
    }
    return {
        "verdict": verdict,
        "wall_seconds": 12.3,
        "versions": {"torch": "2.8.0"},
        "device": {"kind": "cpu"},
        "claims": {"clipping_rescues_depth": claim},
    }
