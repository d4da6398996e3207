"""Pages of a list, as the upstream answers them."""

from typing import Any

import orjson
import pytest

from twinfront_server.adt.answer import Answer, Page, Position, page_of
from twinfront_server.errors import TwinfrontError

LONGEST_LINK = "x" * (46_000 - len('""'))


def refused(document: Any) -> str:
    with pytest.raises(TwinfrontError) as caught:
        page_of(document, "nextLink")
    return caught.value.reason


def test_a_page_has_its_items_and_the_link_to_the_next_one():
    assert page_of({"value": [{"id": 1}], "nextLink": "/2"}, "nextLink") == Page([{"id": 1}], "/2", 0.0, is_cut=False)
    assert page_of({"value": [], "nextLink": "/2"}, "continuationToken", query_charge=2.5) == Page([], "", 2.5)


@pytest.mark.parametrize("link", [{}, {"nextLink": None}, {"nextLink": ""}])
def test_the_last_page_leads_nowhere(link: dict[str, Any]):
    assert page_of({"value": [], **link}, "nextLink").next_link == ""


@pytest.mark.parametrize(
    "document",
    [None, [], "value", {}, {"value": None}, {"value": {}}, {"value": [{}, 1]}, {"value": [], "nextLink": 3}],
)
def test_a_document_that_is_no_page_is_not_understood(document: Any):
    assert refused(document) == "UPSTREAM_ANSWER_UNEXPECTED"


def test_a_link_is_followed_up_to_46000_bytes_of_json():
    assert page_of({"value": [], "nextLink": LONGEST_LINK}, "nextLink").next_link == LONGEST_LINK
    for longer in (f"{LONGEST_LINK}x", f'{LONGEST_LINK[1:]}"'):
        assert len(orjson.dumps(longer)) == 46_001
        assert refused({"value": [], "nextLink": longer}) == "UPSTREAM_ANSWER_UNEXPECTED"


def test_a_page_does_not_lead_to_itself():
    last, first = Page([], ""), Page([], "/2")
    assert last.read_at("") is last
    assert first.read_at("/1") is first
    with pytest.raises(TwinfrontError) as caught:
        first.read_at("/2")
    assert caught.value.reason == "UPSTREAM_ANSWER_UNEXPECTED"


@pytest.mark.parametrize("position", [Position(), Position("/2", 30, 7)])
def test_a_position_is_read_as_it_was_written(position: Position):
    assert Position.read(position.write()) == position


def test_without_a_position_reading_starts_at_the_beginning():
    assert Position.read(b"") == Position(link="", skip=0, size=0)


def test_an_answer_without_these_headers_costs_nothing_and_has_no_date():
    assert Answer(b"{}", "") == Answer(b"{}", "", query_charge=0.0, date="")
