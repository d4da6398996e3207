"""DTDL 2 and 3: parses and validates models, and checks values against their schemas. Usable alone.

What reads models is loaded when it is first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

from localtwins.dtdl.errors import DtdlError, Problem
from localtwins.dtdl.interface import Command, Component, Interface, Property, Relationship, Telemetry
from localtwins.dtdl.limits import INTERFACE_BYTES
from localtwins.dtdl.schemas import ArraySchema, EnumSchema, Geospatial, MapSchema, ObjectSchema, Primitive, Schema
from localtwins.dtdl.values import ValueProblem, value_problem

if TYPE_CHECKING:
    from localtwins.dtdl.loading import Checkpoint, Resolver, load, load_on
    from localtwins.dtdl.parsing import parse

__all__ = [
    "INTERFACE_BYTES",
    "ArraySchema",
    "Checkpoint",
    "Command",
    "Component",
    "DtdlError",
    "EnumSchema",
    "Geospatial",
    "Interface",
    "MapSchema",
    "ObjectSchema",
    "Primitive",
    "Problem",
    "Property",
    "Relationship",
    "Resolver",
    "Schema",
    "Telemetry",
    "ValueProblem",
    "load",
    "load_on",
    "parse",
    "value_problem",
]

_MODULES: Final = {
    "Checkpoint": "loading",
    "Resolver": "loading",
    "load": "loading",
    "load_on": "loading",
    "parse": "parsing",
}


def __getattr__(name: str) -> Any:
    """Imports the module of a name that is asked for the first time."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
