"""Short ways to write models and to ask what is wrong with them."""

from typing import Any

from localtwins.dtdl import DtdlError, parse

Model = dict[str, Any]


def interface(name: Any = "Room", version: Any = 2, **members: Any) -> Model:
    """An Interface `dtmi:example:<name>;1`; what a member is called is the test's affair."""
    context = {"@context": f"dtmi:dtdl:context;{version}"}
    return {**context, "@id": f"dtmi:example:{name};1", "@type": "Interface", **members}


def rules(*models: object, stored: dict[str, Model] | None = None) -> list[str]:
    """The rules that models break, parsed as one batch; `stored` are models by id."""
    try:
        parse(models, (stored or {}).get)
    except DtdlError as error:
        return [problem.rule for problem in error.problems]
    return []


def prop(schema: object, **members: Any) -> Model:
    """A Property named `reading`."""
    return {"@type": "Property", "name": "reading", "schema": schema, **members}
