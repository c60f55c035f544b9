"""The schema of rows and provenance: types, ranges, and what must agree within a row."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..verification import MOST_DIGITS

SLOPE_TOLERANCE = 1e-9

Probability = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Stability = Literal["stable", "unstable", "semi-stable"]


class Strict(BaseModel):
    """Frozen; no unknown fields, no conversions, no NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class EocRow(Strict):
    """One edge of chaos: the arguments, the parameters and variances found, and all fixed points of the map."""

    family: str
    sparsity: Probability
    q_star: Positive
    target: Probability | None = Field(description="V'(q_star) asked for; None for an unclipped family")
    tau: NonNegative
    m: Positive | None
    sigma_w2: Positive
    sigma_b2: NonNegative
    slope: float = Field(description="V'(q_star) reached")
    curvature: float = Field(description="V''(q_star)")
    fixed_points: tuple[Positive, ...]
    stabilities: tuple[Stability, ...]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if len(self.fixed_points) != len(self.stabilities):
            raise ValueError("there must be one stability for each fixed point")
        if (self.target is None) != (self.m is None):
            raise ValueError("a row has both a target and a level m, or neither")
        if list(self.fixed_points) != sorted(self.fixed_points):
            raise ValueError("fixed points must ascend")
        if self.target is not None and abs(self.slope - self.target) > SLOPE_TOLERANCE:
            raise ValueError(f"slope {self.slope} is not the target {self.target}")
        return self


class FormulaProvenance(Strict):
    """Which closed forms a family's rows rest on, and how they were checked."""

    family: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    digits_verified: Annotated[int, Field(ge=5, le=MOST_DIGITS)]
    max_relative_error: NonNegative

    @model_validator(mode="after")
    def _was_verified(self) -> Self:
        if not self.max_relative_error < 10.0**-self.digits_verified:
            raise ValueError(f"error {self.max_relative_error:g} does not verify {self.digits_verified} digits")
        return self


class Provenance(Strict):
    """Where a table comes from."""

    package: Literal["vmap-theory"]
    version: Annotated[str, Field(min_length=1)]
    created: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$", description="UTC, ISO 8601")]
    formulas: Annotated[tuple[FormulaProvenance, ...], Field(min_length=1)]
