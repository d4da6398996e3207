"""DTDL 2 and 3: parses and validates models, and checks values against their schemas. Usable alone."""

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
