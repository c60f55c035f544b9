"""Activations from modules of deep-learning frameworks, read by name: no framework is ever imported."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from .activations import Activation, activation, family, family_names
from .activations.base import TorchModule
from .errors import DomainError, DtypeError, UnknownNameError

NOT_ELEMENTWISE = frozenset({"GLU", "LogSoftmax", "MultiheadAttention", "Softmax", "Softmax2d", "Softmin"})
"""Classes of torch.nn's activations whose outputs each depend on several inputs."""

CONTAINERS = frozenset({"ModuleDict", "ModuleList", "Sequential"})

FLOAT32_ROUNDING = 2.0**-24
"""Largest relative error of rounding to float32."""


def activation_from_torch(module: object, /) -> Activation:
    """Return the activation that a module of PyTorch computes.

    Parameters
    ----------
    module : instance of a class of ``torch.nn``
        An elementwise activation such as ``torch.nn.Hardshrink(0.5)``, or an instance of a subclass that keeps
        PyTorch's ``forward``.  The module is only read.

    Returns
    -------
    Activation
        The family of the registry with the module's parameters: the exact customary value where the module holds its
        float, such as 1/100 for a slope of 0.01, and otherwise the binary fraction that the module's number is.

    Raises
    ------
    DtypeError
        `module` is a class, a container, no module of ``torch.nn``, no elementwise function, random (``RReLU``), or
        overrides ``forward``.
    UnknownNameError
        No family is that module.
    DomainError
        A parameter is outside the domain of the family; ``PReLU`` with several slopes; ``Softplus`` with a threshold
        so low that it shows in float32.

    Notes
    -----
    ``Softplus`` returns x where ``beta x > threshold``.  The error of that, log(1 + exp(-beta x)) / beta, is below
    exp(-threshold) / threshold relative to x.  The customary threshold of 20 leaves 1.03e-10: less than the rounding
    of float32, 2^-24, and more than that of float64.  Thresholds below 13.997 show in float32 and are refused.

    Examples
    --------
    >>> from torch import nn
    >>> activation_from_torch(nn.Hardshrink(0.5))
    Activation('hardshrink', lambd=1/2)
    """
    name = _torch_name(module)
    if name == "RReLU":
        raise DtypeError(_rrelu_refusal(module))
    known = _known_modules()
    if name not in known:
        raise UnknownNameError.among("activation module of torch.nn", name, known)
    for family_name, entry in known[name]:
        if all(getattr(module, option, None) == wanted for option, wanted in entry.options):
            if name == "Softplus":
                _refuse_visible_shortcut(module)
            return activation(family_name, **_parameters(module, family_name, entry))
    options = sorted({option for _, entry in known[name] for option, _ in entry.options})
    found = ", ".join(f"{option}={getattr(module, option, None)!r}" for option in options)
    raise UnknownNameError(f"no activation is known for torch.nn.{name} with {found}.")


@cache
def _known_modules() -> dict[str, list[tuple[str, TorchModule]]]:
    """Class of torch.nn -> the families that it can be, as their files say."""
    known: dict[str, list[tuple[str, TorchModule]]] = {}
    for family_name in family_names():
        for entry in family(family_name).torch:
            known.setdefault(entry.name, []).append((family_name, entry))
    return known


def _torch_name(module: object) -> str:
    """Name of the nearest class of torch.nn that the module is an instance of."""
    if isinstance(module, type):
        raise DtypeError(f"{module.__name__} is a class: give an instance, such as {module.__name__}().")
    own: list[type] = []
    for base in type(module).__mro__:
        if base.__module__.split(".")[:2] == ["torch", "nn"]:
            name = base.__name__
            break
        own.append(base)
    else:
        raise DtypeError(f"{_short(module)} is no module of torch.nn: give one, such as torch.nn.ReLU().")
    if name in CONTAINERS:
        raise DtypeError(f"torch.nn.{name} holds several modules: pass its members one at a time.")
    if name in NOT_ELEMENTWISE:
        raise DtypeError(f"torch.nn.{name} is no elementwise function: each output depends on several inputs.")
    if name == "Module" or any("forward" in vars(base) for base in own):
        raise DtypeError(
            f"{type(module).__name__} has a forward of its own, which cannot be read: "
            "give its formula to vmap_theory.parse_activation."
        )
    return name


def _parameters(module: Any, family_name: str, entry: TorchModule) -> dict[str, object]:
    """Values of the family's parameters, read from the module's attributes."""
    attributes = dict(entry.parameters)
    values: dict[str, object] = {}
    for parameter in family(family_name).parameters:
        attribute = attributes.get(parameter.name, parameter.name)
        value = _number(entry.name, attribute, getattr(module, attribute))
        default = parameter.default
        values[parameter.name] = default if default is not None and float(default) == value else value
    return values


def _number(module_name: str, attribute: str, value: Any) -> Any:
    """A number as it is, or the only element of a tensor."""
    if not hasattr(value, "numel"):
        return value
    if value.numel() != 1:
        raise DomainError(
            f"torch.nn.{module_name} has {value.numel()} values of {attribute}, one for each channel: "
            "each is an activation of its own; make a module for every one."
        )
    return value.item()


def _refuse_visible_shortcut(module: Any) -> None:
    threshold = float(module.threshold)
    # exp(-t) / t <= 2^-24, for t > 0: the shortcut's relative error is below the rounding of float32
    if not (threshold > 0 and math.exp(-threshold) <= FLOAT32_ROUNDING * threshold):
        raise DomainError(
            f"torch.nn.Softplus with threshold={threshold:g} is not softplus: it returns x where beta x > threshold, "
            "which shows in float32 unless exp(-threshold) / threshold <= 2^-24: take a threshold of 14 or more."
        )


def _rrelu_refusal(module: Any) -> str:
    slope = (module.lower + module.upper) / 2
    return (
        "torch.nn.RReLU draws its slopes at random in training, so it is no single activation: "
        f"take torch.nn.LeakyReLU({slope!r}), which it is in evaluation."
    )


def _short(module: object) -> str:
    text = repr(module)
    return text if len(text) <= 60 else f"{text[:57]}..."
