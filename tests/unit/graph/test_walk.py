"""Places of a walk through a graph, and the queries for the relationships of some twins."""

import pytest

from twinfront_server.graph.import_format import Section
from twinfront_server.graph.walk import _MAX_IDS_LENGTH, START, Place, _next_ids, _quoted


@pytest.mark.parametrize(
    "place",
    [START, Place(Section.MODELS, link="https://…", skip=3), Place(Section.RELATIONSHIPS, True, "x", 1, "a'b", "ü")],
)
def test_a_place_is_read_as_it_was_written(place: Place):
    assert Place.read(place.write()) == place


def test_the_next_ids_are_those_behind_the_ones_that_are_done():
    ids = sorted(f"{number:03}" for number in range(120))
    assert _next_ids(ids, "") == ids[:50]
    assert _next_ids(ids, "049") == ids[50:100]
    assert _next_ids(ids, "0495") == ids[50:100]
    assert _next_ids(ids, "119") == []


def test_long_ids_do_not_make_the_query_too_long():
    ids = sorted("'" * 100 + f"{number:028}" for number in range(100))
    sources = _next_ids(ids, "")
    assert 0 < sum(len(_quoted(source)) + 2 for source in sources) <= _MAX_IDS_LENGTH
    assert _next_ids(ids, sources[-1])[0] == ids[len(sources)]


def test_ids_are_quoted_as_the_query_language_has_it():
    assert _quoted("a'b\\c") == r"'a\'b\\c'"
