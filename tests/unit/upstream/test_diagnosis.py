"""What another look adds to a refusal."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from google.rpc.error_details_pb2 import PreconditionFailure

from twinfront.v1.error_details_pb2 import EtagConflict, RelationshipsBlockingDelete
from twinfront_server.adt.answer import Answer, Page
from twinfront_server.adt.body import Body
from twinfront_server.call import Call
from twinfront_server.errors import TwinfrontError, etag_mismatch, resource_error, upstream_unavailable
from twinfront_server.reasons import Reason
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.reads import Reads
from twinfront_server.upstream.refusals.diagnosis import diagnose
from twinfront_server.upstream.settling.sent_writes import SentWrites

CALL = Call("id", "twinfront.v1.DigitalTwinService/UpdateDigitalTwin", None)
IDS = {"digital_twin_id": "room"}
PATCH = Asked(
    operations.PATCH_DIGITAL_TWIN,
    IDS,
    Body(b'[{"op": "replace", "path": "/temperature", "value": 2}]', "patch"),
    if_match="1",
)
DELETE = Asked(operations.DELETE_DIGITAL_TWIN, IDS)
TOLD = "may be the reason"


class Upstream:
    """Answers reads: a twin, or pages of its relationships by the link that leads to them."""

    def __init__(
        self,
        found: Answer | None = None,
        outgoing: dict[str, Page] | None = None,
        incoming: dict[str, Page] | None = None,
    ) -> None:
        self._found = found
        self._pages = {"outgoing": outgoing or {}, "incoming": incoming or {}}

    async def resource(self, _asked: Asked) -> Answer:
        if self._found is None:
            raise upstream_unavailable("Down.")
        return self._found

    async def relationships(self, digital_twin_id: str, relationship_name: str, link: str) -> Page:
        assert (digital_twin_id, relationship_name) == ("room", "")
        return self._page("outgoing", link)

    async def incoming_relationships(self, digital_twin_id: str, link: str) -> Page:
        assert digital_twin_id == "room"
        return self._page("incoming", link)

    def _page(self, direction: str, link: str) -> Page:
        if link not in self._pages[direction]:
            raise upstream_unavailable("Down.")
        return self._pages[direction][link]


async def diagnosed(upstream: Upstream, error: TwinfrontError, asked: Asked, writes: SentWrites) -> TwinfrontError:
    return await diagnose(cast("Reads", upstream), writes, error, asked)


def left_without_an_answer(asked: Asked) -> SentWrites:
    writes = SentWrites()
    writes.end(writes.begin(asked, CALL))
    return writes


def conflict() -> TwinfrontError:
    return etag_mismatch("digitaltwins/room", expected="1")


@pytest.mark.parametrize(
    ("found", "etag", "is_explained"),
    [
        (Answer(b'{"$dtId":"room","$etag":"2","temperature":2}', "2"), "2", True),
        (Answer(b'{"$dtId":"room","$etag":"2","temperature":3}', "2"), "2", False),
        (Answer(b"[]", "2"), "2", False),
        (Answer(b"{", "2"), "2", False),
        (None, "", False),
    ],
    ids=["its-effect", "another", "no-twin", "no-json", "not-read"],
)
async def test_a_conflict_has_the_current_etag_and_tells_of_a_write_without_an_answer_that_explains_it(
    found: Answer | None, etag: str, is_explained: bool
):
    error = await diagnosed(Upstream(found), conflict(), PATCH, left_without_an_answer(PATCH))
    assert error.details == [EtagConflict(resource="digitaltwins/room", expected_etag="1", current_etag=etag)]
    assert (TOLD in error.message) is is_explained


async def test_a_conflict_that_no_write_of_this_server_explains_is_told_as_it_is():
    found = Answer(b'{"$dtId":"room","$etag":"2","temperature":2}', "2")
    error = await diagnosed(Upstream(found), conflict(), PATCH, SentWrites())
    assert error.message == conflict().message


@pytest.mark.parametrize(
    ("writes", "asked", "is_explained"),
    [
        (lambda: left_without_an_answer(DELETE), DELETE, True),
        (lambda: left_without_an_answer(DELETE), PATCH, True),
        (lambda: left_without_an_answer(PATCH), PATCH, False),
        (SentWrites, DELETE, False),
        (lambda: left_without_an_answer(DELETE), Asked(operations.GET_DIGITAL_TWIN, IDS), False),
    ],
    ids=["delete-again", "patch", "patched-before", "nothing-before", "read"],
)
async def test_a_write_of_what_is_gone_tells_of_a_deletion_without_an_answer(
    writes: Callable[[], SentWrites], asked: Asked, is_explained: bool
):
    missing = resource_error(Reason.TWIN_NOT_FOUND, "twinfront.v1.DigitalTwin", "room", "No.")
    error = await diagnosed(Upstream(), missing, asked, writes())
    assert (TOLD in error.message) is is_explained


def relationships(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"$relationshipId": f"{number}", "$sourceId": "a", "$targetId": "b", "$relationshipName": "feeds"}
        for number in range(first, first + count)
    ]


async def blocked(outgoing: dict[str, Page], incoming: dict[str, Page]) -> TwinfrontError:
    error = TwinfrontError(Reason.TWIN_HAS_RELATIONSHIPS, "No.")
    return await diagnosed(Upstream(None, outgoing, incoming), error, DELETE, SentWrites())


@pytest.mark.parametrize(
    ("outgoing", "incoming", "listed"),
    [(1, 0, (1, 0)), (0, 2, (0, 2)), (30, 30, (10, 10)), (30, 4, (16, 4)), (4, 30, (4, 16)), (20, 0, (20, 0))],
)
async def test_relationships_in_the_way_are_counted_and_twenty_of_them_listed(
    outgoing: int, incoming: int, listed: tuple[int, int]
):
    error = await blocked({"": Page(relationships(outgoing), "")}, {"": Page(relationships(incoming), "")})
    blocking, failure = error.details
    assert isinstance(blocking, RelationshipsBlockingDelete)
    assert (blocking.outgoing_total, blocking.incoming_total) == (outgoing, incoming)
    assert (len(blocking.outgoing), len(blocking.incoming)) == listed
    assert not blocking.counts_are_lower_bounds
    assert isinstance(failure, PreconditionFailure)
    assert [each.description for each in failure.violations] == [
        f"{count} {direction} relationship{'' if count == 1 else 's'} to be deleted first"
        for count, direction in ((outgoing, "outgoing"), (incoming, "incoming"))
        if count
    ]
    assert {(each.type, each.subject) for each in failure.violations} == {
        ("TWIN_HAS_RELATIONSHIPS", "digitaltwins/room")
    }


async def test_all_pages_are_counted_and_the_first_ones_listed():
    pages = {"": Page(relationships(15), "2"), "2": Page(relationships(15, 15), "3"), "3": Page(relationships(2), "")}
    blocking = (await blocked(pages, {"": Page([], "")})).details[0]
    assert isinstance(blocking, RelationshipsBlockingDelete)
    assert (blocking.outgoing_total, blocking.counts_are_lower_bounds) == (32, False)
    assert [each.relationship_id for each in blocking.outgoing] == [str(number) for number in range(20)]


@pytest.mark.parametrize("direction", ["outgoing", "incoming"])
async def test_counts_of_which_a_page_is_missing_are_lower_bounds(direction: str):
    whole, broken = {"": Page(relationships(1), "")}, {"": Page(relationships(3), "2")}
    pages = (broken, whole) if direction == "outgoing" else (whole, broken)
    blocking = (await blocked(*pages)).details[0]
    assert isinstance(blocking, RelationshipsBlockingDelete)
    assert {blocking.outgoing_total, blocking.incoming_total} == {1, 3}
    assert blocking.counts_are_lower_bounds


async def test_a_relationship_in_the_way_is_told_by_its_ends_and_its_name():
    items = [*relationships(1), {"$relationshipId": 7, "$sourceId": "a"}]
    blocking = (await blocked({"": Page([], "")}, {"": Page(items, "")})).details[0]
    assert isinstance(blocking, RelationshipsBlockingDelete)
    first, odd = blocking.incoming
    assert (first.relationship_id, first.source_id, first.target_id, first.name) == ("0", "a", "b", "feeds")
    assert (odd.relationship_id, odd.source_id, odd.target_id, odd.name) == ("", "a", "room", "")
