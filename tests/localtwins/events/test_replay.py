"""Whoever follows the change log from the beginning has the graph."""

import random

import pytest

from ..adt import CONTEXT, MACHINE_TWIN, ROOM_TWIN, SPACE_TWIN, Adt, add, remove, replace
from ..copying import Document, follow, graph_of, without_times

TWINS = ("a", "b", "c")


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
    match chance.randrange(13):
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
        case 11:
            model = {"@id": f"dtmi:test:Extra;{chance.randint(1, 3)}", "@type": "Interface", "@context": CONTEXT}
            one = f"/models/{model['@id']}"
            decommissioning = replace("/decommissioned", True)
            match chance.randrange(3):
                case 0:
                    await adt.post("/models", [model])
                case 1:
                    await adt.patch(one, decommissioning)
                case _:
                    await adt.delete(one)
        case _:
            await adt.delete(path if chance.random() < 0.3 else link)


@pytest.mark.parametrize("seed", range(10))
async def test_the_log_leads_to_the_graph(adt: Adt, seed: int):
    chance = random.Random(seed)
    for _ in range(400):
        await _write(adt, chance)
    changes = adt.service.changes.read(0, 1000)
    assert len({change.type for change in changes}) >= 8
    assert without_times(follow(changes)) == without_times(await graph_of(adt, TWINS))
