"""Whatever a log has, a watch is not ended by it: what can be read as a change can be told."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.changes.events import ROOM, binary

from twinfront_server.adt.change import Kind
from twinfront_server.adt.cloud_event import Event, change_of
from twinfront_server.wire.change import change_message

OF_RELATIONSHIPS = ["$sourceId", "$relationshipId", "$targetId", "$relationshipName"]
OF_TWINS = ["$dtId", "$etag", "$metadata", "$model", "lastUpdateTime", "sourceTime", "$lastUpdateTime"]
NAMES = st.sampled_from([*OF_TWINS, *OF_RELATIONSHIPS, "modelId", "patch", "op", "path", "value", "a"])
TEXTS = st.sampled_from(["", "a", "/a/~2", "$metadata", "replace", "2026-06-01T07:30:12Z", 'W/"1"'])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)
TWIN = {"$dtId": "a", "$etag": 'W/"1"', "$metadata": {"$model": ROOM}}
RELATIONSHIP = {"$sourceId": "a", "$relationshipId": "b", "$targetId": "c", "$relationshipName": "d"}
PATCH = {"modelId": ROOM, "patch": [{"op": "replace", "path": "/a", "value": 1}]}


@pytest.mark.parametrize(
    ("kind", "subject", "base"),
    [
        ("Microsoft.DigitalTwins.Twin.Create", "a", TWIN),
        ("Microsoft.DigitalTwins.Twin.Update", "a", PATCH),
        ("Microsoft.DigitalTwins.Relationship.Delete", "a/relationships/b", RELATIONSHIP),
        ("Microsoft.DigitalTwins.Relationship.Update", "a/relationships/b", PATCH),
        ("microsoft.iot.telemetry", None, {}),
    ],
)
@given(st.dictionaries(NAMES, JSON, max_size=6) | JSON)
def test_what_is_read_as_a_change_can_be_told_in_both_forms(
    kind: str, subject: str | None, base: dict[str, Any], drawn: Any
) -> None:
    data = base | drawn if isinstance(drawn, dict) else drawn
    properties, body = binary(kind, subject, data, source="host/digitaltwins/a")
    change = change_of(Event("0", 1, datetime.now(UTC), properties, body))
    assert change is not None
    if change.kind is not Kind.UNREADABLE:
        for as_json in (False, True):
            message = change_message(change, orjson.loads(change.data), as_json=as_json)
            assert type(message).FromString(message.SerializeToString()) == message
