"""Short ways to write models and to ask what is wrong with them."""

from collections.abc import Callable
from typing import Any

import pytest

from localtwins.dtdl import DtdlError, parse

Model = dict[str, Any]


def _interface(name: str = "Room", version: int = 2, **members: Any) -> Model:
    context = {"@context": f"dtmi:dtdl:context;{version}"}
    return {**context, "@id": f"dtmi:example:{name};1", "@type": "Interface", **members}


def _rules(*models: object, stored: dict[str, Model] | None = None) -> list[str]:
    try:
        parse(models, (stored or {}).get)
    except DtdlError as error:
        return [problem.rule for problem in error.problems]
    return []


def _property(schema: object, **members: Any) -> Model:
    return {"@type": "Property", "name": "reading", "schema": schema, **members}


@pytest.fixture
def interface() -> Callable[..., Model]:
    """Builds an Interface `dtmi:example:<name>;1`."""
    return _interface


@pytest.fixture
def prop() -> Callable[..., Model]:
    """Builds a Property named `reading`."""
    return _property


@pytest.fixture
def rules() -> Callable[..., list[str]]:
    """Gives the rules that models break, parsed as one batch; `stored` are models by id."""
    return _rules
