"""Whoever follows the change log from the beginning has the graph."""

import random
from typing import Any

import orjson
import pytest

from localtwins.engine import digital_twin, json_patch, relationship
from localtwins.store.change import Change

from ..adt import MACHINE_TWIN, ROOM_TWIN, SPACE_TWIN, Adt, add, remove, replace

Document = dict[str, Any]
TWINS = ("a", "b", "c")


def follow(changes: list[Change]) -> dict[str, Document]:
    """The documents of all twins and relationships by subject, made from the log alone."""
    documents: dict[str, Document] = {}
    for change in changes:
        kind, data = change.type.removeprefix("Microsoft.DigitalTwins."), orjson.loads(change.data)
        if kind.endswith(".Create"):
            assert change.subject not in documents
            documents[change.subject] = data
        elif kind.endswith(".Delete"):
            assert without_versions(documents.pop(change.subject)) == without_versions(data)
        elif kind == "Twin.Update":
            operations = json_patch.parse_operations(data["patch"])
            digital_twin.patch(documents[change.subject], operations, etag="", now="")
            assert digital_twin.model_of(documents[change.subject]) == data["modelId"]
        else:
            for operation in json_patch.parse_operations(data["patch"]):
                if operation.tokens[0].startswith("$"):
                    documents[change.subject][operation.tokens[0]] = operation.value
                else:
                    relationship.patch(documents[change.subject], [operation], etag="")
    return documents


def without_versions(value: Any) -> Any:
    """A document without etags and update times."""
    if isinstance(value, list):
        return [without_versions(element) for element in value]
    if not isinstance(value, dict):
        return value
    versions = {"$etag", "$lastUpdateTime", "lastUpdateTime"}
    return {name: without_versions(member) for name, member in value.items() if name not in versions}


def _twin(chance: random.Random) -> Document:
    if chance.random() < 0.1:
        return chance.choice([SPACE_TWIN, MACHINE_TWIN])
    room: Document = {**ROOM_TWIN, "$metadata": {"$model": "dtmi:test:Room;1"}}
    if chance.random() < 0.5:
        room["$metadata"]["temperature"] = {"sourceTime": f"2026-01-0{chance.randint(1, 3)}T00:00:00Z"}
    values = {
        "seats": chance.randint(1, 3),
        "tags": ["x"] * chance.randint(0, 2),
        "limits": {"a/b": chance.randint(0, 1)},
    }
    room |= {name: value for name, value in values.items() if chance.random() < 0.5}
    room["sensor"] = {"$metadata": {}} | chance.choice([{}, {"reading": 1}, {"reading": 1.0, "unit": "K"}])
    return room


async def _write(adt: Adt, chance: random.Random) -> None:
    """Something that may succeed or fail."""
    path = f"/digitaltwins/{chance.choice(TWINS)}"
    link = f"{path}/relationships/{chance.choice('xy')}"
    match chance.randrange(12):
        case 0 | 1 | 2:
            await adt.put(path, _twin(chance))
        case 3:
            await adt.patch(path, chance.choice([add, replace])("/seats", chance.randint(1, 9)), remove("/label"))
        case 4:
            await adt.patch(path, add("/label", "x"), chance.choice([remove("/limits"), add("/limits", {"o": 1})]))
        case 5:
            await adt.patch(f"{path}/components/sensor", chance.choice([replace("/reading", 4), remove("/unit")]))
        case 6 | 7 | 8:
            target = chance.choice(TWINS)
            body = {"$relationshipName": chance.choice(["linkedTo", "servedBy"]), "$targetId": target}
            await adt.put(link, body if chance.random() < 0.5 else {**body, "note": chance.choice("ab")})
        case 9 | 10:
            await adt.patch(link, chance.choice([add("/note", "p"), remove("/note")]))
        case _:
            await adt.delete(path if chance.random() < 0.3 else link)


@pytest.mark.parametrize("seed", range(10))
async def test_the_log_leads_to_the_graph(adt: Adt, seed: int):
    chance = random.Random(seed)
    for _ in range(400):
        await _write(adt, chance)
    actual: dict[str, Document] = {}
    for twin_id in TWINS:
        answer = await adt.get(f"/digitaltwins/{twin_id}")
        if answer.status == 200:
            actual[twin_id] = answer.body
            links = (await adt.get(f"/digitaltwins/{twin_id}/relationships")).body["value"]
            actual |= {f"{twin_id}/relationships/{link['$relationshipId']}": link for link in links}
    changes = adt.service._database.read.changes(0, 1000)
    assert len({change.type for change in changes}) >= 5
    assert without_versions(follow(changes)) == without_versions(actual)
