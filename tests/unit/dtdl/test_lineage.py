"""The contents of an interface and of its ancestors, as one mapping that copies none of them."""

from dataclasses import replace

import pytest

from localtwins.dtdl import parse
from localtwins.dtdl.lineage import Lineage, for_lookups, lineage

from .models import interface, prop

OWN = {"temperature": 1, "humidity": 2}
PARENT = {"name": 3}
GRANDPARENT = {"id": 4}
ALL = {**OWN, **PARENT, **GRANDPARENT}


def family() -> Lineage[int]:
    joined = lineage(OWN, [lineage(PARENT, [GRANDPARENT])])
    assert isinstance(joined, Lineage)
    return joined


def test_contents_of_all_generations_are_found_by_name():
    contents = family()
    assert {name: contents[name] for name in ALL} == dict(contents) == ALL
    assert all(name in contents for name in ALL)
    assert len(contents) == 4


def test_what_nobody_has_is_not_found():
    contents = family()
    assert "pressure" not in contents
    assert contents.get("pressure") is None
    with pytest.raises(KeyError):
        contents["pressure"]


def test_an_ancestor_that_is_reached_in_two_ways_counts_once():
    ancestor = lineage(GRANDPARENT, [])
    diamond = lineage(OWN, [lineage(PARENT, [ancestor]), lineage({"size": 5}, [ancestor])])
    assert dict(diamond) == {**ALL, "size": 5}
    assert len(diamond) == 5


def test_a_single_generation_with_contents_stands_for_all():
    assert lineage(OWN, []) is OWN
    assert lineage({}, [PARENT, {}]) is PARENT
    empty: dict[str, int] = {}
    assert lineage(empty, [{}]) is empty


def test_many_look_ups_get_one_dictionary_and_few_search_the_generations():
    contents = family()
    assert for_lookups(contents, 1) is contents
    many = for_lookups(contents, 2)
    assert (type(many), many) == (dict, ALL)
    assert for_lookups(OWN, 1000) is OWN


def test_an_interface_for_look_ups_has_the_same_contents_in_dictionaries_each_time():
    base = interface("Base", contents=[prop("double")])
    room = interface("Room", extends="dtmi:example:Base;1", contents=[{**prop("string"), "name": "other"}])
    _, found = parse([base, room])
    assert type(found.properties) is Lineage
    prepared = found.for_lookups(1)
    assert type(prepared.properties) is dict
    assert prepared.properties == dict(found.properties)
    assert prepared == replace(found, properties=dict(found.properties))
    assert found.for_lookups(1000) is prepared
    _, again = parse([base, room])
    assert again.for_lookups(1) == prepared
    assert again.for_lookups(1) is not prepared
