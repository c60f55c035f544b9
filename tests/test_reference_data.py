"""The file of 50-digit reference moments is what its script writes."""

import json

import pytest

from tests.data.cases import CASES
from tests.data.functions import FUNCTIONS
from tests.data.make_reference_moments import entry
from tests.data.pieces import PIECES
from tests.reference_data import reference_data


def test_every_case_is_in_the_file() -> None:
    written = {
        family: [(case["q"], case["parameters"]) for case in cases] for family, cases in reference_data().items()
    }
    assert written == CASES
    assert set(CASES) == set(PIECES) | set(FUNCTIONS)


@pytest.mark.parametrize(("family", "index"), [("cst", 7), ("scad", 4), ("tanh", 2), ("half_threshold", 5)])
def test_a_case_is_written_again_digit_for_digit(family: str, index: int) -> None:
    assert json.loads(json.dumps(entry(family, *CASES[family][index]))) == reference_data()[family][index]
