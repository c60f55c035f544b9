"""What an activation is related to: other families in a limit, and the modules of PyTorch that compute it."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp


@dataclass(frozen=True)
class Limit:
    """What the activation becomes as a parameter goes to a value: another family.

    Attributes
    ----------
    parameter, value : str, sympy number
        Which parameter goes where; the value may be oo or -oo.
    family : str
        Name of the other family.
    family_values : tuple of (str, sympy expression)
        Values of the other family's parameters where they are not those of the same name: numbers or parameters of
        this family.
    """

    parameter: str
    value: sp.Expr
    family: str
    family_values: tuple[tuple[str, sp.Expr], ...] = ()


@dataclass(frozen=True)
class TorchModule:
    """A class of ``torch.nn`` whose forward pass is this activation.

    Attributes
    ----------
    name : str
        Name of the class, such as ``Hardshrink``.
    parameters : tuple of (str, str)
        Parameter of the family -> attribute of the module, where the two have not the same name.
    options : tuple of (str, object)
        Attributes that must have these values, such as ``("approximate", "tanh")``.
    """

    name: str
    parameters: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, object], ...] = ()
