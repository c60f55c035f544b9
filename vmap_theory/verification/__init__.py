"""Verification of formulas at high precision: one activation, or the whole catalogue in parallel."""

from .catalogue import verify_catalogue as verify_catalogue
from .check import MOST_DIGITS as MOST_DIGITS
from .check import verify as verify
from .report import VerificationReport as VerificationReport
from .report import VerificationRow as VerificationRow
