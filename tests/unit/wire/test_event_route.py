"""Event routes between the messages and the JSON of Azure Digital Twins."""

import orjson
import pytest

from twinfront.v1.event_route_service_pb2 import EventRoute
from twinfront_server.errors import TwinfrontError
from twinfront_server.wire.event_route import event_route_body, fill_event_route, fill_listed_event_route

ROUTE = {"id": "all", "endpointName": "events", "filter": "type = 'x'"}


def test_an_event_route_has_each_member_in_its_field():
    read, listed = EventRoute(), EventRoute()
    fill_event_route(read, orjson.dumps(ROUTE), as_json=False)
    fill_listed_event_route(listed, ROUTE, as_json=False)
    assert read == listed == EventRoute(id="all", endpoint_name="events", filter="type = 'x'")


def test_an_event_route_as_json_is_what_the_upstream_said():
    read, listed = EventRoute(), EventRoute()
    fill_event_route(read, b'{"id":"all"}', as_json=True)
    fill_listed_event_route(listed, {"id": "all"}, as_json=True)
    assert read == listed == EventRoute(json=b'{"id":"all"}')


def test_members_that_are_missing_are_empty():
    read = EventRoute()
    fill_event_route(read, b'{"id": null}', as_json=False)
    assert read == EventRoute()


@pytest.mark.parametrize(("given", "sent"), [("", "true"), ("false", "false")])
def test_an_event_route_without_a_filter_lets_everything_through(given: str, sent: str):
    body = event_route_body(EventRoute(id="all", endpoint_name="events", filter=given), "all")
    assert orjson.loads(body.content) == {"endpointName": "events", "filter": sent}
    assert body.field == "event_route"


@pytest.mark.parametrize("document", [b'{"endpointName": "e"}', b'{"id": "all"}', b'{"id": ""}', b'{"id": null}'])
def test_an_event_route_as_json_is_sent_as_it_is(document: bytes):
    body = event_route_body(EventRoute(json=document), "all")
    assert (body.content, body.field) == (document, "event_route.json")


@pytest.mark.parametrize(
    ("route", "field"),
    [
        (EventRoute(id="other", endpoint_name="events"), "event_route.id"),
        (EventRoute(), "event_route.endpoint_name"),
        (EventRoute(filter="true"), "event_route.endpoint_name"),
        (EventRoute(json=b"{}", endpoint_name="events"), "event_route.json"),
        (EventRoute(json=b"{}", filter="true"), "event_route.json"),
        (EventRoute(json=b'{"id": "other"}'), "event_route.json"),
        (EventRoute(json=b"[]"), "event_route.json"),
    ],
    ids=["id", "nothing", "filter", "json-and-endpoint", "json-and-filter", "id-in-json", "list"],
)
def test_an_event_route_that_cannot_be_sent_is_refused_by_its_field(route: EventRoute, field: str):
    with pytest.raises(TwinfrontError) as refused:
        event_route_body(route, "all")
    assert [violation.field for violation in refused.value.details[0].field_violations] == [field]  # type: ignore[attr-defined]
