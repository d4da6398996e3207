"""DTMIs: what may be defined and referred to."""

import pytest

from .models import interface, prop, rules


@pytest.mark.parametrize("identifier", ["dtmi:a;1", "dtmi:ex__ample:Room2;999999999", "dtmi:A:b:C:d;7"])
@pytest.mark.parametrize("version", [2, 3])
def test_valid_ids_are_accepted(identifier: str, version: int):
    assert rules(interface(version=version) | {"@id": identifier}) == []


@pytest.mark.parametrize("identifier", ["dtmi:example:Room", "dtmi:example:Room;3.14", "dtmi:example:Room;1.999999"])
def test_dtdl_3_takes_ids_without_version_or_with_a_minor_version(identifier: str):
    assert rules(interface(version=3) | {"@id": identifier}) == []
    assert rules(interface(version=2) | {"@id": identifier}) == ["invalidId"]


@pytest.mark.parametrize(
    "identifier",
    [
        "dtmi:example:_Room;1",
        "dtmi:example:Room_;1",
        "dtmi:example:1Room;1",
        "dtmi:example:Ro-om;1",
        "dtmi:example: Room;1",
        "dtmi:example::Room;1",
        "dtmi:example:Room;0",
        "dtmi:example:Room;01",
        "dtmi:example:Room;1000000000",
        "dtmi:example:Room;3.0",
        "dtmi:example:Room;6.02",
        "dtmi:example:Room;1#part",
        "dtmi:example:Room;1\n",
        "DTMI:example:Room;1",
        "Room",
    ],
)
@pytest.mark.parametrize("version", [2, 3])
def test_invalid_ids_are_refused(identifier: str, version: int):
    assert rules(interface(version=version) | {"@id": identifier}) == ["invalidId"]


@pytest.mark.parametrize("identifier", ["dtmi:dtdl:Room;1", "dtmi:standard:Room;1"])
def test_the_languages_own_prefixes_are_reserved(identifier: str):
    assert rules(interface() | {"@id": identifier}) == ["reservedId"]


@pytest.mark.parametrize("identifier", [5, None, "", ["dtmi:example:Room;1"]])
def test_an_id_is_a_string(identifier: str):
    assert rules(interface() | {"@id": identifier}) == ["idNotString"]


def test_an_interface_id_has_at_most_128_characters_and_any_other_2048():
    def identifier(length: int) -> str:
        return "dtmi:" + "a" * (length - 7) + ";1"

    assert rules(interface() | {"@id": identifier(128)}) == []
    assert rules(interface() | {"@id": identifier(129)}) == ["idTooLongForType"]
    assert rules(interface(contents=[prop("string", **{"@id": identifier(2048)})])) == []
    assert "idTooLong" in rules(interface(contents=[prop("string", **{"@id": identifier(2049)})]))


def test_an_id_within_a_model_may_not_be_taken_by_a_model_that_it_builds_on():
    stored = interface("Base", contents=[prop("string", name="a", **{"@id": "dtmi:example:shared;1"})])
    heir = interface("Heir", extends=stored["@id"], contents=[prop("string", **{"@id": "dtmi:example:shared;1"})])

    assert rules(heir, stored={stored["@id"]: stored}) == ["duplicateDefinition"]
    assert rules(heir, stored) == ["duplicateDefinition"]


def test_two_contents_may_not_share_an_id():
    contents = [prop("string", name=name, **{"@id": "dtmi:example:shared;1"}) for name in ("a", "b")]

    assert rules(interface(contents=contents)) == ["duplicateDefinition"]
