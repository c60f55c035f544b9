"""Gaussian expectations in closed form: the algebra of terms, their integrals, and one canonical form."""

from .canonical import Q as Q
from .canonical import normal_density as normal_density
from .integrals import expectation as expectation
from .terms import Term as Term
from .terms import TermSum as TermSum
from .terms import terms_of as terms_of
