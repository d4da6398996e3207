"""What a call asks the upstream for, and what its condition means."""

import pytest

from twinfront_server.upstream import operation
from twinfront_server.upstream.operation import Asked, Operation, Origin, Resource

PUT, GET = operation.PUT_DIGITAL_TWIN, operation.GET_DIGITAL_TWIN
OPERATIONS = [each for each in vars(operation).values() if isinstance(each, Operation)]


def test_a_call_without_more_has_no_condition_and_a_request_of_the_caller_s():
    asked = Asked(GET)
    assert (asked.ids, asked.body, asked.condition) == ({}, None, "")
    assert asked.origin == Origin(listed={}, place_field="page_token", by_the_front=False)


@pytest.mark.parametrize(
    ("asked", "wants_version", "needs_authorship"),
    [
        (Asked(PUT), False, False),
        (Asked(PUT, if_match="*"), False, False),
        (Asked(PUT, if_match='W/"1"'), True, True),
        (Asked(PUT, if_match='W/"1"', any_author_counts=True), True, False),
        (Asked(PUT, create_only=True), False, True),
        (Asked(PUT, create_only=True, any_author_counts=True), False, True),
        (Asked(PUT, only_at='W/"1"'), False, False),
    ],
    ids=["none", "any", "etag", "etag-of-the-front", "create", "create-by-anybody", "only-at"],
)
def test_a_write_under_an_etag_or_a_creation_succeeds_once(asked: Asked, wants_version: bool, needs_authorship: bool):
    assert (asked.wants_version, asked.needs_authorship) == (wants_version, needs_authorship)


def test_a_condition_of_the_front_s_own_is_sent_in_place_of_the_caller_s():
    assert Asked(PUT, if_match='W/"1"').condition == 'W/"1"'
    assert Asked(PUT, only_at='W/"2"').condition == 'W/"2"'
    assert Asked(PUT, if_match="*", only_at='W/"2"').condition == 'W/"2"'


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        (Asked(GET, {"digital_twin_id": "room"}), "digitaltwins/room"),
        (Asked(operation.GET_COMPONENT, {"digital_twin_id": "room", "component_name": "lamp"}), "digitaltwins/room"),
        (
            Asked(operation.GET_RELATIONSHIP, {"digital_twin_id": "room", "relationship_id": "r"}),
            "digitaltwins/room/relationships/r",
        ),
        (Asked(operation.LIST_RELATIONSHIPS, {"digital_twin_id": "room"}), "digitaltwins/room"),
        (Asked(GET, {"digital_twin_id": "room", "relationship_id": "r"}), "digitaltwins/room"),
        (Asked(operation.GET_MODEL, {"model_id": "dtmi:a;1"}), "models/dtmi:a;1"),
        (Asked(operation.POST_MODELS), "models"),
        (Asked(operation.QUERY_TWINS), "query"),
        (Asked(operation.GET_EVENT_ROUTE, {"event_route_id": "all"}), "eventroutes/all"),
        (Asked(operation.GET_IMPORT_JOB, {"job_id": "one"}), "jobs/imports/one"),
        (Asked(operation.LIST_IMPORT_JOBS), "jobs/imports"),
        (Asked(operation.GET_DELETE_JOB, {"job_id": "one"}), "jobs/deletions/one"),
    ],
    ids=lambda value: value.operation.name if isinstance(value, Asked) else None,
)
def test_an_etag_is_that_of_the_resource_at_a_path(asked: Asked, path: str):
    assert asked.path == path


def test_a_write_that_is_only_checked_can_be_sent_again_as_a_read_can():
    asked = Asked(PUT, {"digital_twin_id": "room"}, if_match="*")
    checked = asked.as_dry_run()
    assert (checked.operation.name, checked.operation.resource) == ("put_digital_twin", Resource.DIGITAL_TWIN)
    assert (checked.operation.write, asked.operation.write) == (False, True)
    assert (checked.ids, checked.if_match) == (asked.ids, "*")
    read = Asked(GET)
    assert read.as_dry_run() is read


def test_an_operation_writes_if_its_name_says_so():
    reads = ("get_", "list_", "query_", "probe")
    assert {each.name for each in OPERATIONS if each.write} == {
        each.name for each in OPERATIONS if not each.name.startswith(reads)
    }


def test_operations_and_their_constants_have_the_same_names():
    for name, each in vars(operation).items():
        if isinstance(each, Operation):
            assert each.name == name.lower()
