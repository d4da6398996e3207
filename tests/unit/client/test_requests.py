"""What each method sends, before any channel is involved."""

from typing import Any

import pytest

from twinfront import Component, DigitalTwin, PropertyMetadata, Relationship, Timestamp, _calls, _json
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON, VIEW_BASIC, VIEW_FULL

TWIN = {"$metadata": {"$model": "dtmi:example:Room;1"}, "temperature": 21.5, "count": 1}


def sent_twin(twin: Any) -> Any:
    call = _calls.create_or_replace_digital_twin("room-1", twin, if_none_match=False, view="full")
    return _json.load(call.request.digital_twin.json)


def test_a_mapping_is_sent_untouched() -> None:
    assert sent_twin(TWIN) == TWIN


def test_a_twin_is_sent_without_what_only_the_service_sets() -> None:
    seen = PropertyMetadata(last_update_time=Timestamp("2024-05-01T12:00:00.1234567Z"))
    twin = DigitalTwin(
        id="room-1",
        etag='W/"1"',
        model_id="dtmi:example:Room;1",
        properties={"temperature": 21.5, "humidity": 40},
        components={
            "thermostat": Component(
                {"setpoint": 20},
                property_metadata={"setpoint": seen},
                last_update_time=seen.last_update_time,
                etag='W/"1"',
            )
        },
        last_update_time=seen.last_update_time,
        property_metadata={
            "temperature": PropertyMetadata(
                last_update_time=seen.last_update_time, source_time=Timestamp("2024-05-01T11:59:58Z")
            ),
            "humidity": seen,
        },
    )
    assert sent_twin(twin) == {
        "$dtId": "room-1",
        "temperature": 21.5,
        "humidity": 40,
        "thermostat": {"setpoint": 20, "$metadata": {}},
        "$metadata": {"$model": "dtmi:example:Room;1", "temperature": {"sourceTime": "2024-05-01T11:59:58Z"}},
    }


def test_a_relationship_is_sent_without_its_etag() -> None:
    relationship = Relationship(id="r", etag='W/"1"', target_id="room-1", name="contains", properties={"since": 2024})
    call = _calls.create_or_replace_relationship("floor-1", "r", relationship, if_none_match=False)
    assert _json.load(call.request.relationship.json) == {
        "$relationshipId": "r",
        "$relationshipName": "contains",
        "$targetId": "room-1",
        "since": 2024,
    }


def test_nan_in_a_twin_is_refused_with_its_path() -> None:
    twin = DigitalTwin(model_id="dtmi:example:Room;1", components={"thermostat": Component({"setpoint": float("nan")})})
    with pytest.raises(ValueError, match="digital_twin at /thermostat/setpoint is nan"):
        sent_twin(twin)


@pytest.mark.parametrize(("twin", "name"), [(DigitalTwin, "type"), (object(), "object")])
def test_what_is_no_twin_is_refused(twin: Any, name: str) -> None:
    with pytest.raises(TypeError, match=f"digital_twin is a {name}, which is no JSON value"):
        sent_twin(twin)


def test_if_none_match_is_sent_as_a_star() -> None:
    create = _calls.create_or_replace_digital_twin("room-1", TWIN, if_none_match=True, view="full")
    replace = _calls.create_or_replace_digital_twin("room-1", TWIN, if_none_match=False, view="full")
    assert (create.request.if_none_match, replace.request.if_none_match) == ("*", "")


@pytest.mark.parametrize(("if_match", "sent"), [(None, ""), ("*", "*"), ('W/"1"', 'W/"1"')])
def test_if_match_is_sent_as_it_is(if_match: str | None, sent: str) -> None:
    assert _calls.update_digital_twin("room-1", [], if_match=if_match).request.if_match == sent


def test_an_empty_if_match_is_refused_as_it_would_lift_the_condition() -> None:
    with pytest.raises(ValueError, match=r"if_match is empty: give an etag, '\*', or None"):
        _calls.update_digital_twin("room-1", [], if_match="")


def test_answers_are_asked_for_as_json() -> None:
    call = _calls.get_digital_twin("room-1", view="full")
    assert (call.request.representation, call.request.view) == (REPRESENTATION_JSON, VIEW_FULL)


def test_a_basic_view_is_asked_for() -> None:
    assert _calls.get_component("room-1", "thermostat", view="basic").request.view == VIEW_BASIC


def test_an_unknown_view_is_refused() -> None:
    with pytest.raises(ValueError, match="view is 'tiny', and not one of 'full', 'basic'"):
        _calls.get_digital_twin("room-1", view="tiny")  # type: ignore[arg-type]


def test_models_are_sent_as_json_texts_and_texts_untouched() -> None:
    text = '{ "@id": "dtmi:example:Room;1" }'
    call = _calls.create_models([{"@id": "dtmi:example:Floor;1"}, text])
    assert list(call.request.dtdl_models) == ['{"@id":"dtmi:example:Floor;1"}', text]


def test_more_models_than_the_service_takes_are_not_split() -> None:
    call = _calls.create_models([{"@id": f"dtmi:example:M{n};1"} for n in range(251)])
    assert len(call.request.dtdl_models) == 251


@pytest.mark.parametrize("models", [{"@id": "dtmi:example:Room;1"}, '{"@id": "dtmi:example:Room;1"}'])
def test_one_model_without_its_brackets_is_refused(models: Any) -> None:
    with pytest.raises(TypeError, match="put it in brackets"):
        _calls.create_models(models)


def test_a_wrong_model_is_named_by_its_number() -> None:
    with pytest.raises(ValueError, match=r"models\[1\] at /contents/0/x is nan"):
        _calls.create_models([{}, {"contents": [{"x": float("nan")}]}])


def test_one_model_id_without_its_brackets_is_refused() -> None:
    with pytest.raises(TypeError, match="dependencies_for is a list of model ids"):
        _calls.model_ids("dtmi:example:Room;1")


def test_a_call_knows_its_rpc() -> None:
    assert _calls.delete_model("dtmi:example:Room;1").method == "DeleteModel"
