"""Random writes, good and bad: no server error, nothing half-written, and metadata that always fits the values."""

import random
from typing import Any

import pytest

from .adt import Adt, add, remove, replace

GOOD = {
    "temperature": 1.5,
    "seats": 3,
    "label": "x",
    "tags": ["a", "b"],
    "address": {"street": "s"},
    "limits": {"k": 1},
    "sensor": {"reading": 1, "$metadata": {}},
}
TOKENS = [
    *GOOD,
    "street",
    "k",
    "0",
    "-",
    "reading",
    "unit",
    "$metadata",
    "$model",
    "$etag",
    "sourceTime",
    "",
    "x",
    "a~1b",
]
VALUES: list[Any] = [
    None,
    True,
    0,
    2.5,
    2**40,
    "x",
    "2020-01-01T00:00:00Z",
    "dtmi:test:Machine;1",
    [],
    [1],
    {},
    {"$metadata": {}},
]


def patch(rng: random.Random) -> list[Any]:
    operations: list[Any] = []
    for _ in range(rng.randrange(4)):
        if rng.random() < 0.6:
            name = rng.choice(list(GOOD))
            operations.append(
                rng.choice((add(f"/{name}", GOOD[name]), replace(f"/{name}", GOOD[name]), remove(f"/{name}")))
            )
        else:
            path = "/" + "/".join(rng.choices(TOKENS, k=rng.randint(1, 3)))
            value = rng.choice(VALUES)
            operations.append(
                rng.choice((add(path, value), replace(path, value), remove(path), {"op": value, "path": path}))
            )
    return operations


def twin(rng: random.Random) -> dict[str, Any]:
    members = {name: GOOD[name] for name in rng.sample(list(GOOD), rng.randrange(4))}
    if rng.random() < 0.3:
        members[rng.choice(TOKENS)] = rng.choice(VALUES)
    return {"sensor": {"$metadata": {}}, **members, "$metadata": {"$model": "dtmi:test:Room;1"}}


def assert_metadata_fits(document: dict[str, Any]) -> None:
    values = {name for name, value in document.items() if not (isinstance(value, dict) and "$metadata" in value)}
    entries = {name for name in document["$metadata"] if not name.startswith("$")}
    assert entries == {name for name in values if not name.startswith("$")}
    assert list(document)[-1] == "$metadata"


@pytest.mark.parametrize("seed", range(5))
async def test_random_writes_are_applied_whole_or_leave_no_trace(adt: Adt, seed: int):
    rng = random.Random(seed)
    outcomes = set()
    for _ in range(400):
        path = f"/digitaltwins/{rng.choice('ab')}"
        operations = patch(rng)
        before = await adt.get(path)
        kind = rng.choice(("put", "patch", "patch", "patch", "component", "delete"))
        if kind == "put":
            answer = await adt.put(path, twin(rng))
        elif kind == "patch":
            answer = await adt.patch(path, *operations)
        elif kind == "component":
            answer = await adt.patch(f"{path}/components/sensor", *operations)
        else:
            answer = await adt.delete(path)
        outcomes.add((kind, answer.status))
        after = await adt.get(path)
        if answer.status >= 400:
            assert answer.status in {400, 404}
            assert after == before
        elif kind == "component" and not operations:
            assert "ETag" not in answer.headers
            assert after == before
        elif kind != "delete":
            assert answer.etag == after.etag == after.body["$etag"]
            assert before.status == 404 or before.etag != after.etag
            assert_metadata_fits(after.body)
            if "sensor" in after.body:
                assert_metadata_fits(after.body["sensor"])
            assert (await adt.put("/digitaltwins/copy", after.body)).status == 200
    assert outcomes >= {("put", 200), ("put", 400), ("patch", 204), ("patch", 400), ("component", 204), ("delete", 204)}
