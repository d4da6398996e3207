"""Models: messages and JSON."""

from typing import Any

import orjson
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from twinfront.v1.model_pb2 import Model
from twinfront_server.errors import TwinfrontError
from twinfront_server.wire.model import fill_listed_model, fill_model, models_body

ROOM = '{"@id": "dtmi:example:Room;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}'
ANSWER: dict[str, Any] = {
    "id": "dtmi:example:Room;1",
    "displayName": {"en": "Room", "de": "Raum"},
    "description": {"en": "Where people sit."},
    "decommissioned": True,
    "uploadTime": "2022-09-29T04:02:41.3962211+00:00",
    "model": orjson.loads(ROOM),
}


def test_the_typed_representation_has_every_part():
    model = Model()
    fill_model(model, orjson.dumps(ANSWER), as_json=False)
    assert orjson.loads(model.dtdl_model) == orjson.loads(ROOM)
    model.dtdl_model = ""
    assert model == Model(
        id="dtmi:example:Room;1",
        display_name={"en": "Room", "de": "Raum"},
        description={"en": "Where people sit."},
        decommissioned=True,
        upload_time=Timestamp(seconds=1_664_424_161, nanos=396_221_100),
    )


def test_without_its_definition_the_dtdl_stays_empty():
    model = Model()
    fill_listed_model(model, {"id": "dtmi:example:Room;1"}, as_json=False)
    assert model == Model(id="dtmi:example:Room;1")


def test_the_json_representation_is_the_answer_untouched():
    model = Model()
    fill_model(model, orjson.dumps(ANSWER), as_json=True)
    assert model == Model(json=orjson.dumps(ANSWER))


def test_models_are_sent_as_they_came_in_one_array():
    body = models_body([ROOM, '{"@id": 5}'])
    assert body.content == f'[{ROOM},{{"@id": 5}}]'.encode()
    assert list(body.items) == ["dtmi:example:Room;1", "5"]


def test_no_models_at_all_are_refused():
    with pytest.raises(TwinfrontError) as caught:
        models_body([])
    violation = caught.value.details[0].field_violations[0]  # type: ignore[attr-defined]
    assert (caught.value.reason, violation.field) == ("INVALID_ARGUMENT", "dtdl_models")


@pytest.mark.parametrize("text", ["", "{", f"[{ROOM}]", "null", '"dtmi:example:Room;1"', "NaN", "[" * 100_000])
def test_a_text_that_is_no_interface_is_refused_by_its_index(text: str):
    with pytest.raises(TwinfrontError) as caught:
        models_body([ROOM, text])
    violation = caught.value.details[0].field_violations[0]  # type: ignore[attr-defined]
    assert (caught.value.reason, violation.field) == ("DTDL_INVALID", "dtdl_models[1]")
