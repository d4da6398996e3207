"""The items of an import: what each is about, and the write that it asks for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson

from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.graph_service_pb2 import GraphItem
from twinfront.v1.relationship_pb2 import Relationship
from twinfront_server.adt.body import Body
from twinfront_server.errors import TwinfrontError, invalid_argument
from twinfront_server.graph.import_format import MAX_LINE_BYTES, Row, Section
from twinfront_server.reasons import Reason
from twinfront_server.wire.digital_twin import digital_twin_body
from twinfront_server.wire.identifier import required_id
from twinfront_server.wire.json_field import parse_json, parse_json_object
from twinfront_server.wire.limits import MAX_MODEL_VALUES
from twinfront_server.wire.relationship import relationship_body

MODEL_FIELD: Final = "dtdl_model"

_TWIN_FIELDS: Final = {"digital_twin_id": "digital_twin.id"}
_RELATIONSHIP_FIELDS: Final = {"digital_twin_id": "relationship.source_id", "relationship_id": "relationship.id"}
_UPLOADED_MODEL: Final = re.compile(r"dtdl_models(?:\[\d+\])?")


@dataclass(frozen=True, slots=True)
class ModelWrite:
    """A model to create: a DTDL interface as JSON text."""

    model_id: str
    text: bytes


@dataclass(frozen=True, slots=True)
class DigitalTwinWrite:
    """A twin to create or replace."""

    digital_twin_id: str
    body: Body


@dataclass(frozen=True, slots=True)
class RelationshipWrite:
    """A relationship to create or replace."""

    source_id: str
    relationship_id: str
    target_id: str
    body: Body


Write: TypeAlias = ModelWrite | DigitalTwinWrite | RelationshipWrite


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it was read.

    Attributes:
        index: its place in the stream.
        line: its line in a chunk's text; 0 for an item of its own.
        resource: what it is about, as `ImportResult.resource` has it; empty as far as it could not be read.
        write: what it asks for; None if it could not be read.
        error: why it could not be read; None if it could.
    """

    index: int
    line: int = 0
    resource: str = ""
    write: Write | None = None
    error: TwinfrontError | None = None


def typed_item(index: int, item: GraphItem) -> Item:
    """Gives the item of a message."""
    resource = ""
    try:
        match item.WhichOneof("item"):
            case "dtdl_model":
                model = _model(item.dtdl_model.encode())
                return Item(index, resource=f"models/{model.model_id}", write=model)
            case "digital_twin":
                twin_id = required_id(_twin_id(item.digital_twin), "digital_twin.id")
                resource = f"digitaltwins/{twin_id}"
                body = digital_twin_body(item.digital_twin, twin_id)
                return Item(index, resource=resource, write=DigitalTwinWrite(twin_id, body))
            case "relationship":
                source_id, relationship_id = _relationship_ids(item.relationship)
                resource = _checked_relationship(source_id, relationship_id)
                body = relationship_body(item.relationship, source_id, relationship_id)
                relationship = RelationshipWrite(source_id, relationship_id, body.ids.get("target_id", ""), body)
                return Item(index, resource=resource, write=relationship)
        raise invalid_argument("item", "is required: a model, a twin or a relationship")
    except TwinfrontError as error:
        return Item(index, resource=resource, error=error)


def row_item(index: int, row: Row) -> Item:
    """Reads a row of the import format as an item, with the field names of a typed one in its errors."""
    resource = ""
    try:
        if row.text is None:
            raise invalid_argument("chunk", f"the line is longer than {MAX_LINE_BYTES} bytes")
        match row.section:
            case Section.MODELS:
                model = _model(row.text)
                return Item(index, row.line, f"models/{model.model_id}", model)
            case Section.TWINS:
                document = parse_json_object(row.text, "digital_twin")
                twin_id = required_id(_member(document, "$dtId", "digital_twin.id"), "digital_twin.id")
                resource = f"digitaltwins/{twin_id}"
                body = Body(_without(document, row.text), "digital_twin")
                return Item(index, row.line, resource, DigitalTwinWrite(twin_id, body))
            case Section.RELATIONSHIPS:
                document = parse_json_object(row.text, "relationship")
                source_id = _source_id(document)
                relationship_id = _member(document, "$relationshipId", "relationship.id")
                resource = _checked_relationship(source_id, relationship_id)
                target_id = _member(document, "$targetId", "relationship.target_id")
                body = Body(_without(document, row.text, "$dtId"), "relationship", ids={"target_id": target_id})
                relationship = RelationshipWrite(source_id, relationship_id, target_id, body)
                return Item(index, row.line, resource, relationship)
        raise invalid_argument(
            "chunk", f"there is no section {row.section[:40]!r}; the sections are {', '.join(Section)}"
        )
    except TwinfrontError as error:
        return Item(index, row.line, resource, error=error)


def models_body(items: Sequence[ModelWrite]) -> Body:
    """Makes the body that uploads models together."""
    content = orjson.dumps([orjson.Fragment(item.text) for item in items])
    return Body(content, "dtdl_models", items=[item.model_id for item in items])


def item_field(write: Write, field: str) -> str:
    """Gives the proto path, from the item on, of a field of the single write's request."""
    match write:
        case ModelWrite():
            return _UPLOADED_MODEL.sub(MODEL_FIELD, field, count=1)
        case DigitalTwinWrite():
            return _TWIN_FIELDS.get(field, field)
        case RelationshipWrite():
            return _RELATIONSHIP_FIELDS.get(field, field)


def _model(text: bytes) -> ModelWrite:
    document = parse_json(text, MODEL_FIELD, reason=Reason.DTDL_INVALID, max_values=MAX_MODEL_VALUES)
    if not isinstance(document, dict):
        raise invalid_argument(MODEL_FIELD, "must be one DTDL interface, a JSON object", reason=Reason.DTDL_INVALID)
    model_id = document.get("@id")
    if not isinstance(model_id, str):
        raise invalid_argument(MODEL_FIELD, "has no @id, the model's DTMI", reason=Reason.DTDL_INVALID)
    return ModelWrite(required_id(model_id, MODEL_FIELD), text)


def _twin_id(twin: DigitalTwin) -> str:
    if twin.id or not twin.json:
        return twin.id
    return _member(parse_json_object(twin.json, "digital_twin.json"), "$dtId", "digital_twin.json")


def _relationship_ids(relationship: Relationship) -> tuple[str, str]:
    source_id, relationship_id = relationship.source_id, relationship.id
    if relationship.json and not (source_id and relationship_id):
        document = parse_json_object(relationship.json, "relationship.json")
        source_id = source_id or _member(document, "$sourceId", "relationship.json")
        relationship_id = relationship_id or _member(document, "$relationshipId", "relationship.json")
    return source_id, relationship_id


def _source_id(document: dict[str, Any]) -> str:
    """Gives the source of a row: `$dtId` in what Microsoft's tools write, `$sourceId` in what others do."""
    sources = {document[name] for name in ("$dtId", "$sourceId") if isinstance(document.get(name), str)}
    if len(sources) != 1:
        problem = "is two different ones, in $dtId and in $sourceId" if sources else "is missing: $dtId, or $sourceId"
        raise invalid_argument("relationship.source_id", problem)
    return str(sources.pop())


def _member(document: dict[str, Any], name: str, field: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise invalid_argument(field, f"{name} is missing" if value is None else f"{name} must be a string")
    return value


def _checked_relationship(source_id: str, relationship_id: str) -> str:
    required_id(source_id, "relationship.source_id")
    required_id(relationship_id, "relationship.id")
    return f"digitaltwins/{source_id}/relationships/{relationship_id}"


def _without(document: dict[str, Any], text: bytes, *names: str) -> bytes:
    """Leaves these members out of a text, and null where `$sourceId`, `$etag` and the like have that."""
    kept = {
        name: value
        for name, value in document.items()
        if name not in names and (value is not None or not name.startswith("$"))
    }
    return text if len(kept) == len(document) else orjson.dumps(kept)
