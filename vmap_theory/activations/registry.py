"""The registry: every module of `catalogue` is one family, found by its file name.  There is no list to keep."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from ..errors import DtypeError, UnknownNameError
from . import catalogue
from .base import Activation


@cache
def family_names() -> tuple[str, ...]:
    """Names of all families in the registry, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(catalogue.__path__)))


def family(name: str) -> Activation:
    """Return the family `name` with every parameter symbolic, customary values left out.

    Raises
    ------
    UnknownNameError
        No such family; the nearest name is offered.

    Examples
    --------
    >>> [parameter.name for parameter in family("leaky_relu").free_parameters]
    ['negative_slope']
    """
    if not isinstance(name, str):
        raise DtypeError(f"{name!r} is not the name of an activation: give text, such as 'crelu'.")
    if name not in family_names():
        raise UnknownNameError.among("activation", name, family_names())
    result: Activation = import_module(f"{catalogue.__name__}.{name}").FAMILY
    return result


def as_activation(act: Activation | str) -> Activation:
    """Return an activation as it is, or the one that a name of the registry stands for.

    Raises
    ------
    UnknownNameError
        No such name.
    DtypeError
        Something else was given.
    """
    if isinstance(act, Activation):
        return act
    if isinstance(act, str):
        return activation(act)
    raise DtypeError(f"{act!r} is no activation: give one, or the name of a family, such as 'crelu'.")


def activation(name: str, /, **parameters: object) -> Activation:
    """Return the activation `name` of the registry.

    Parameters
    ----------
    name : str
        Name in the registry; `family_names` lists them.
    **parameters : number
        Python's, NumPy's or exact SymPy numbers.  A parameter with a customary value takes it when left out (or
        None); any other stays symbolic.

    Raises
    ------
    UnknownNameError
        The activation or a parameter is not known; the nearest name is offered.
    DomainError, DtypeError
        A value is not a number of the parameter's domain.

    Examples
    --------
    >>> activation("relu6")([-1.0, 3.0, 9.0])
    array([0., 3., 6.])
    >>> activation("hardtanh").values
    (('min_val', -1), ('max_val', 1))
    """
    unbound = family(name)
    for given in parameters:
        if given not in {parameter.name for parameter in unbound.parameters}:
            raise UnknownNameError.among(f"parameter of {name}", given, [p.name for p in unbound.parameters])
    values = {
        p.name: parameters[p.name] if parameters.get(p.name) is not None else p.default for p in unbound.parameters
    }
    return unbound.bind(**values)
