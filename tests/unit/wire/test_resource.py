"""What a policy goes by: ids of a request, the model of a twin, the end of a relationship."""

from collections.abc import Callable

import pytest

from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2 import GetComponentRequest
from twinfront.v1.relationship_pb2 import Relationship
from twinfront_server.errors import TwinfrontError
from twinfront_server.wire.resource import ids_in, model_of, target_of


def refused_field(work: Callable[[], object]) -> str:
    with pytest.raises(TwinfrontError) as caught:
        work()
    (violation,) = caught.value.details[0].field_violations  # type: ignore[attr-defined]
    field: str = violation.field
    return field


def test_the_ids_that_a_request_has_are_told_by_field():
    request = GetComponentRequest(digital_twin_id="room")
    assert ids_in(request, ["digital_twin_id", "component_name"]) == {"digital_twin_id": "room"}


def test_an_id_that_no_resource_can_have_is_refused_by_its_field():
    request = GetComponentRequest(digital_twin_id="room", component_name="a\0")
    assert refused_field(lambda: ids_in(request, ["digital_twin_id", "component_name"])) == "component_name"


@pytest.mark.parametrize(
    ("twin", "model"),
    [
        (DigitalTwin(model_id="dtmi:a;1"), {"model_id": "dtmi:a;1"}),
        (DigitalTwin(json=b'{"$metadata":{"$model":"dtmi:a;1"}}'), {"model_id": "dtmi:a;1"}),
        (DigitalTwin(), {}),
        (DigitalTwin(json=b"{}"), {}),
        (DigitalTwin(json=b'{"$metadata":{"$model":3}}'), {}),
    ],
)
def test_the_model_of_a_twin_is_in_either_form(twin: DigitalTwin, model: dict[str, str]):
    assert model_of(twin) == model


@pytest.mark.parametrize(
    ("relationship", "target"),
    [
        (Relationship(target_id="room"), {"target_id": "room"}),
        (Relationship(json=b'{"$targetId":"room"}'), {"target_id": "room"}),
        (Relationship(), {}),
        (Relationship(json=b"{}"), {}),
        (Relationship(json=b'{"$targetId":3}'), {}),
    ],
)
def test_the_end_of_a_relationship_is_in_either_form(relationship: Relationship, target: dict[str, str]):
    assert target_of(relationship) == target


@pytest.mark.parametrize(
    ("work", "field"),
    [
        (lambda: model_of(DigitalTwin(model_id="a\0")), "digital_twin.model_id"),
        (lambda: model_of(DigitalTwin(json=b"[]")), "digital_twin.json"),
        (lambda: target_of(Relationship(target_id="a\0")), "relationship.target_id"),
        (lambda: target_of(Relationship(json=b"[]")), "relationship.json"),
    ],
)
def test_a_model_or_an_end_that_nothing_can_have_is_refused_by_its_field(work: Callable[[], object], field: str):
    assert refused_field(work) == field
