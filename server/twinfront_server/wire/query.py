"""Rows of queries: messages of the JSON of Azure Digital Twins."""

from typing import Any

import orjson

from twinfront.v1.query_service_pb2 import QueryRow
from twinfront_server.adt.expected_answer import expects_answer
from twinfront_server.adt.twin_json import is_digital_twin, is_relationship
from twinfront_server.errors import invalid_argument
from twinfront_server.reasons import Reason
from twinfront_server.wire.digital_twin import fill_listed_digital_twin, without_property_metadata
from twinfront_server.wire.relationship import fill_listed_relationship
from twinfront_server.wire.value import fill_value


@expects_answer
def fill_row(row: QueryRow, item: dict[str, Any], *, as_json: bool, metadata: bool) -> None:
    """Sets an empty message to a row that the upstream answered.

    Args:
        row: the message.
        item: the row as parsed JSON.
        as_json: whether to hand the JSON on instead of filling in the typed fields.
        metadata: whether, of a row that is a twin, the metadata of properties is wanted.
    """
    is_twin = is_digital_twin(item) and type(item.get("$etag")) is str
    if is_twin and not metadata:
        item = without_property_metadata(item)
    if as_json:
        row.json = orjson.dumps(item)
        return
    fields = row.fields
    for name, value in item.items():
        fill_value(fields[name], value)
    if is_twin:
        fill_listed_digital_twin(row.digital_twin, item, metadata=metadata)
    elif is_relationship(item):
        fill_listed_relationship(row.relationship, item, as_json=False)


def required_query(text: str) -> str:
    """Gives the query of a request.

    Raises:
        TwinfrontError: QUERY_INVALID if there is none. All other rules are the upstream's.
    """
    if not text.strip():
        raise invalid_argument("query", "is required", reason=Reason.QUERY_INVALID)
    return text
