"""Models, digital twins and relationships as an export writes them: what an import takes, and nothing else.

Etags, times of updates and whether a model is decommissioned are no part of it.
"""

import orjson

from twinfront.v1.graph_service_pb2 import GraphItem
from twinfront_server.adt.expected_answer import expects_answer
from twinfront_server.adt.twin_json import METADATA, MODEL, Document, is_component, metadata_of, source_time_metadata
from twinfront_server.graph.import_format import Section
from twinfront_server.wire.digital_twin import fill_listed_digital_twin
from twinfront_server.wire.relationship import fill_listed_relationship


@expects_answer
def model_row(document: Document) -> Document:
    """Gives the row of a model as the service lists it: its definition."""
    row: Document = document["model"]
    return row


@expects_answer
def digital_twin_row(document: Document) -> Document:
    """Gives the row of a twin as the service answers it."""
    row = {"$dtId": document["$dtId"], METADATA: _metadata(document)}
    for name, value in document.items():
        if not name.startswith("$"):
            row[name] = {**value, METADATA: _metadata(value)} if is_component(value) else value
    return row


@expects_answer
def relationship_row(document: Document) -> Document:
    """Gives the row of a relationship as the service answers it; its source is `$dtId`, as in Microsoft's own files."""
    row = {
        "$dtId": document["$sourceId"],
        "$relationshipId": document["$relationshipId"],
        "$targetId": document["$targetId"],
        "$relationshipName": document["$relationshipName"],
    }
    return row | {name: value for name, value in document.items() if not name.startswith("$")}


def fill_item(item: GraphItem, section: Section, row: Document) -> None:
    """Sets an empty message to a row, with typed fields."""
    match section:
        case Section.MODELS:
            item.dtdl_model = orjson.dumps(row).decode()
        case Section.TWINS:
            item.digital_twin.SetInParent()
            fill_listed_digital_twin(item.digital_twin, row, metadata=True)
        case Section.RELATIONSHIPS:
            item.relationship.SetInParent()
            members = {"$sourceId" if name == "$dtId" else name: value for name, value in row.items()}
            fill_listed_relationship(item.relationship, members, as_json=False)


def _metadata(owner: Document) -> Document:
    """Gives what a write may say: the model, and the times at the source."""
    metadata = metadata_of(owner)
    model = {MODEL: metadata[MODEL]} if MODEL in metadata else {}
    return model | source_time_metadata(owner)
