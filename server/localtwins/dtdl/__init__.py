"""DTDL 2 and 3: parsing and validating models, and checking values against their schemas. Usable alone."""

from localtwins.dtdl.errors import DtdlError, Problem
from localtwins.dtdl.interface import Command, Component, Interface, Property, Relationship, Telemetry
from localtwins.dtdl.loading import Loader, Resolver, load
from localtwins.dtdl.parsing import parse
from localtwins.dtdl.schemas import ArraySchema, EnumSchema, Geospatial, MapSchema, ObjectSchema, Primitive, Schema
from localtwins.dtdl.values import ValueProblem, value_problem

__all__ = [
    "ArraySchema",
    "Command",
    "Component",
    "DtdlError",
    "EnumSchema",
    "Geospatial",
    "Interface",
    "Loader",
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
    "parse",
    "value_problem",
]
