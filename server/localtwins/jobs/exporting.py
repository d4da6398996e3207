"""Writes a graph in the import format, so that importing it gives the same graph.

Etags, times of updates and whether a model is decommissioned are not part of the format.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from localtwins.dtdl.ordering import dependencies_first
from localtwins.engine.digital_twin import METADATA, MODEL, is_component
from localtwins.jobs.import_format import FILE_VERSION, Section
from localtwins.store.snapshot import Snapshot


def export_lines(snapshot: Snapshot) -> Iterator[bytes]:
    """Gives the lines: models after those that they need, twins and relationships by their ids."""
    yield _section(Section.HEADER)
    yield _line({"fileVersion": FILE_VERSION, "author": "localtwins", "organization": ""})
    yield _section(Section.MODELS)
    needs = snapshot.model_dependencies()
    # What is in a cycle cannot be put in order; imports take models in any.
    for model_id in dict.fromkeys([*dependencies_first(needs), *needs]):
        yield snapshot.definition(model_id) + b"\n"
    yield _section(Section.TWINS)
    for document in snapshot.digital_twins():
        yield _line(_twin(orjson.loads(document)))
    yield _section(Section.RELATIONSHIPS)
    for document in snapshot.relationships():
        yield _line(_relationship(orjson.loads(document)))


def _twin(document: dict[str, Any]) -> dict[str, Any]:
    twin = {"$dtId": document["$dtId"], METADATA: _metadata(document[METADATA])}
    for name, value in document.items():
        if not name.startswith("$"):
            twin[name] = {**value, METADATA: _metadata(value[METADATA])} if is_component(value) else value
    return twin


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Keeps the members that a write may have: the model, and the times at the source."""
    kept = {MODEL: metadata[MODEL]} if MODEL in metadata else {}
    for name, entry in metadata.items():
        if isinstance(entry, dict) and "sourceTime" in entry:
            kept[name] = {"sourceTime": entry["sourceTime"]}
    return kept


def _relationship(document: dict[str, Any]) -> dict[str, Any]:
    relationship = {
        "$dtId": document["$sourceId"],
        "$relationshipId": document["$relationshipId"],
        "$targetId": document["$targetId"],
        "$relationshipName": document["$relationshipName"],
    }
    return relationship | {name: value for name, value in document.items() if not name.startswith("$")}


def _section(section: Section) -> bytes:
    return _line({"Section": section})


def _line(row: dict[str, Any]) -> bytes:
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
