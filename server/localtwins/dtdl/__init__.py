"""DTDL 2 and 3: parses and validates models, and checks values against their schemas. Usable alone.

The names below are imported when they are asked for: a server starts without most of it.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from localtwins.dtdl.errors import DtdlError, Problem
    from localtwins.dtdl.interface import Command, Component, Interface, Property, Relationship, Telemetry
    from localtwins.dtdl.limits import INTERFACE_BYTES
    from localtwins.dtdl.loading import Checkpoint, Resolver, load, load_on
    from localtwins.dtdl.parsing import parse
    from localtwins.dtdl.schemas import ArraySchema, EnumSchema, Geospatial, MapSchema, ObjectSchema, Primitive, Schema
    from localtwins.dtdl.values import ValueProblem, value_problem

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
    "ArraySchema": "schemas",
    "Checkpoint": "loading",
    "Command": "interface",
    "Component": "interface",
    "DtdlError": "errors",
    "EnumSchema": "schemas",
    "Geospatial": "schemas",
    "INTERFACE_BYTES": "limits",
    "Interface": "interface",
    "MapSchema": "schemas",
    "ObjectSchema": "schemas",
    "Primitive": "schemas",
    "Problem": "errors",
    "Property": "interface",
    "Relationship": "interface",
    "Resolver": "loading",
    "Schema": "schemas",
    "Telemetry": "interface",
    "ValueProblem": "values",
    "load": "loading",
    "load_on": "loading",
    "parse": "parsing",
    "value_problem": "values",
}


def __getattr__(name: str) -> Any:
    """Imports the module of a name that is asked for the first time."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    return value
