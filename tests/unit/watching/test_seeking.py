"""What of a graph is not read since no filter is for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinfront.v1.change_service_pb2 import ChangeFilter
from twinfront_server.upstream.changes.source import Items
from twinfront_server.watching.place import InState
from twinfront_server.watching.seeking import Seeking, before
from twinfront_server.wire.change_filter import wanted_changes

TWINS, RELATIONSHIPS = Items.DIGITAL_TWINS, Items.RELATIONSHIPS
IDS = st.text(st.sampled_from("ab\ud7ff\ue000é~-"), min_size=1, max_size=4)


def seeking(*ids: str, prefixes: tuple[str, ...] = ()) -> Seeking:
    return Seeking(wanted_changes(ChangeFilter(digital_twin_ids=ids, digital_twin_id_prefixes=prefixes)))


@given(IDS, IDS)
def test_nothing_lies_between_an_id_and_the_place_before_it(one: str, other: str):
    place = before(one)
    assert place < one
    assert not place < other < one


def test_a_filter_for_all_ids_leaves_nothing_out():
    assert seeking().place(InState(TWINS, "m")) == "m"
    assert seeking().size("m", TWINS, 200) == 200


def test_one_twin_after_the_other_is_read_by_its_id():
    wanted = seeking("c", "m")
    assert wanted.place(InState(TWINS, "")) == before("c")
    assert wanted.size(before("c"), TWINS, 200) == 1
    assert wanted.place(InState(TWINS, "c")) == before("m")
    assert wanted.place(InState(TWINS, "d")) == before("m")
    assert wanted.place(InState(TWINS, before("m"))) == before("m")
    assert wanted.place(InState(TWINS, "m")) is None
    assert wanted.place(InState(TWINS, "z")) is None


def test_all_that_begins_with_a_prefix_is_read():
    wanted = seeking(prefixes=("room-",))
    assert wanted.place(InState(TWINS, "")) == before("room-")
    assert wanted.size(before("room-"), TWINS, 200) == 200
    assert wanted.place(InState(TWINS, "room-5")) == "room-5"
    assert wanted.place(InState(TWINS, "s")) is None


def test_all_relationships_of_a_twin_are_read():
    wanted = seeking("c", "m")
    assert wanted.place(InState(RELATIONSHIPS, "")) == before("c")
    assert wanted.size(before("c"), RELATIONSHIPS, 200) == 200
    assert wanted.place(InState(RELATIONSHIPS, "c/door")) == "c/door"
    assert wanted.place(InState(RELATIONSHIPS, "d/door")) == before("m")


@given(st.lists(IDS, max_size=6), st.lists(IDS, max_size=3), st.lists(IDS, max_size=30))
def test_a_walk_by_these_places_finds_all_that_fits(ids: list[str], prefixes: list[str], there: list[str]):
    wanted = wanted_changes(ChangeFilter(digital_twin_ids=ids, digital_twin_id_prefixes=prefixes))
    walk, here, found, all_ids = Seeking(wanted), InState(TWINS, ""), [], sorted(set(there))
    while (place := walk.place(here)) is not None:
        page = [each for each in all_ids if each > place][: walk.size(place, TWINS, 2)]
        if not page:
            break
        found += [each for each in page if wanted.fits_id(each)]
        here = InState(TWINS, page[-1])
    assert found == [each for each in all_ids if wanted.fits_id(each)]


@pytest.mark.parametrize("text", ["\x00", "a\x00"])
def test_the_first_character_has_a_place_before_it(text: str):
    assert before(text) < text
