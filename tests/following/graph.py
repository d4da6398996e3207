"""Models, twins and relationships that are written at random, and those who write them.

`python -m tests.following.graph TARGET TOKEN-FILE COUNT SEED` writes so much in a process of its own, and prints what
became of it as JSON.
"""

import asyncio
import json
import random
import sys
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from twinfront import (
    AlreadyExistsError,
    AsyncTwinfrontClient,
    CreateOrReplace,
    Delete,
    DigitalTwin,
    DigitalTwinWrite,
    Merge,
    Relationship,
    TwinfrontError,
    Update,
    patch,
)

SENSOR: Final = "dtmi:following:Sensor;1"
SPACE: Final = "dtmi:following:Space;1"
ROOM: Final = "dtmi:following:Room;1"
LAB: Final = "dtmi:following:Lab;1"
DESK: Final = "dtmi:following:Desk;1"
METER: Final = "dtmi:following:Meter;1"
PARENTS: Final = {SPACE: None, ROOM: SPACE, LAB: ROOM, DESK: SPACE, METER: None}
"""Which model extends which; a twin may change from any of them to any other."""

NAMES: Final = ("near", "feeds")
PREFIXES: Final = ("a-", "b-", "c-", "d-")
IMPORTED: Final = "d-imported-"
BLOB: Final = "imported.ndjson"
"""The import file, below the folder of the service's blobs."""

_WEIGHT: Final = {"@type": "Property", "name": "weight", "schema": "long"}
_CONTENTS: Final[list[dict[str, Any]]] = [
    {"@type": "Property", "name": "level", "schema": "double"},
    {"@type": "Property", "name": "note", "schema": "string"},
    {
        "@type": "Property",
        "name": "labels",
        "schema": {
            "@type": "Map",
            "mapKey": {"name": "name", "schema": "string"},
            "mapValue": {"name": "text", "schema": "string"},
        },
    },
    {"@type": "Component", "name": "sensor", "schema": SENSOR},
    *({"@type": "Relationship", "name": name, "properties": [_WEIGHT]} for name in NAMES),
]
_TWINS_OF_A_PREFIX: Final = 40
_WRITERS: Final = 8
_JOB_SECONDS: Final = 60.0


def interface(model_id: str, **members: Any) -> dict[str, Any]:
    return {"@context": "dtmi:dtdl:context;3", "@type": "Interface", "@id": model_id, **members}


MODELS: Final = [
    interface(SENSOR, contents=[{"@type": "Property", "name": "value", "schema": "double"}]),
    *(
        interface(model, contents=_CONTENTS) if parent is None else interface(model, extends=parent)
        for model, parent in PARENTS.items()
    ),
]


def descendants(model_id: str) -> frozenset[str]:
    """A model and all that extend it."""
    found = {model_id}
    for model, parent in PARENTS.items():  # parents come before what extends them
        if parent in found:
            found.add(model)
    return frozenset(found)


def write_import_file(folder: Path) -> None:
    """Writes the graph that import jobs read: twins that are nowhere else, in a row."""
    ids = [f"{IMPORTED}{number}" for number in range(30)]
    twins = [{"$dtId": each, "$metadata": {"$model": ROOM}, "level": 1.5, "sensor": {"$metadata": {}}} for each in ids]
    edges = [
        {"$sourceId": one, "$targetId": other, "$relationshipId": "next", "$relationshipName": "near"}
        for one, other in pairwise(ids)
    ]
    header: list[Any] = [{"Section": "Header"}, {"fileVersion": "1.0.0", "author": "tests", "organization": "tests"}]
    lines = [*header, {"Section": "Twins"}, *twins, {"Section": "Relationships"}, *edges]
    (folder / BLOB).write_text("".join(json.dumps(line) + "\n" for line in lines))


class Writers:
    """Those who write at random, on twins that all of them share.

    Attributes:
        done: how many writes were acknowledged.
        refused: how many others ended for which reason.
    """

    def __init__(self, client: AsyncTwinfrontClient, count: int, seed: int, delete_jobs: int) -> None:
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._client = client
        self._count = count
        self._chance = random.Random(seed)
        self._delete_jobs_at = [count * (number + 1) // (delete_jobs + 1) for number in range(delete_jobs)]
        self._is_busy = asyncio.Event()
        self._kinds: list[Callable[[], Awaitable[Any]]] = []
        for weight, kind in (
            (14, self._put),
            (24, self._patch),
            (10, self._merge),
            (8, self._patch_component),
            (8, self._change_model),
            (4, self._delete),
            (10, self._relate),
            (6, self._patch_relationship),
            (6, self._unrelate),
            (3, self._publish),
            (5, self._batch),
            (3, self._churn_models),
        ):
            self._kinds += [kind] * weight

    async def run(self) -> None:
        """Writes, with a job beside now and then, until so many writes are acknowledged."""
        ids = [f"{prefix}{number}" for prefix in PREFIXES for number in range(_TWINS_OF_A_PREFIX)]
        await self._client.batch_write_digital_twins([CreateOrReplace(each, self._twin()) for each in ids])
        writing = [asyncio.create_task(self._write()) for _ in range(_WRITERS)]
        jobs = asyncio.create_task(self._have_jobs())
        await asyncio.gather(*writing)
        await jobs

    async def _write(self) -> None:
        while self.done.total() < self._count:
            await self._counted(self._chance.choice(self._kinds))

    async def _counted(self, write: Callable[[], Awaitable[Any]]) -> None:
        try:
            await write()
        except TwinfrontError as error:
            self.refused[error.reason or error.code.name] += 1
            await asyncio.sleep(0.002)
        else:
            self.done[write.__name__.strip("_")] += 1

    def _twin_id(self) -> str:
        return f"{self._chance.choice(PREFIXES)}{self._chance.randrange(_TWINS_OF_A_PREFIX)}"

    def _twin(self) -> DigitalTwin:
        return DigitalTwin.from_dict(
            {
                "$metadata": {"$model": self._chance.choice(list(PARENTS))},
                "level": self._chance.random(),
                "note": f"note {self._chance.randrange(1000)}",
                "labels": {"one": "first"},
                "sensor": {"$metadata": {}, "value": 1.0},
            }
        )

    def _operations(self) -> Any:
        made = patch()
        for _ in range(self._chance.randrange(1, 4)):
            match self._chance.randrange(5):
                case 0 | 1:
                    made = made.add("/level", self._chance.random())
                case 2:
                    made = made.add("/note", f"note {self._chance.randrange(1000)}")
                case 3:
                    made = made.add("/labels", {"one": "first", f"l{self._chance.randrange(5)}": "text"})
                case 4:
                    made = made.add("/sensor/value", self._chance.random())
        return made

    async def _put(self) -> None:
        await self._client.create_or_replace_digital_twin(self._twin_id(), self._twin())

    async def _patch(self) -> None:
        await self._client.update_digital_twin(self._twin_id(), self._operations())

    async def _merge(self) -> None:
        note = None if self._chance.random() < 0.2 else "merged"
        await self._client.merge_digital_twin(self._twin_id(), {"level": self._chance.random(), "note": note})

    async def _patch_component(self) -> None:
        value = patch().add("/value", self._chance.random())
        await self._client.update_component(self._twin_id(), "sensor", value)

    async def _change_model(self) -> None:
        model = self._chance.choice(list(PARENTS))
        await self._client.update_digital_twin(self._twin_id(), patch().replace("/$metadata/$model", model))

    async def _delete(self) -> None:
        await self._client.delete_digital_twin(self._twin_id(), relationships="detach")

    def _edge(self) -> tuple[str, str]:
        return self._twin_id(), f"r{self._chance.randrange(3)}"

    async def _relate(self) -> None:
        relationship = Relationship(
            target_id=self._twin_id(), name=self._chance.choice(NAMES), properties={"weight": self._chance.randrange(9)}
        )
        await self._client.create_or_replace_relationship(*self._edge(), relationship)

    async def _patch_relationship(self) -> None:
        weight = patch().add("/weight", self._chance.randrange(1000))
        await self._client.update_relationship(*self._edge(), weight)

    async def _unrelate(self) -> None:
        await self._client.delete_relationship(*self._edge())

    async def _publish(self) -> None:
        await self._client.publish_telemetry(self._twin_id(), {"level": self._chance.random()})

    async def _batch(self) -> None:
        ids = {self._twin_id() for _ in range(self._chance.randrange(2, 60))}
        kinds: list[Callable[[str], DigitalTwinWrite]] = [
            lambda each: Update(each, self._operations()),
            lambda each: Merge(each, {"note": "in a batch"}),
            lambda each: Delete(each, relationships="detach"),
        ]
        weights = (6, 5, 1)
        writes = [self._chance.choices(kinds, weights)[0](each) for each in sorted(ids)]
        for result in await self._client.batch_write_digital_twins(writes):
            if result.error is None:
                self.done["write in a batch"] += 1

    async def _churn_models(self) -> None:
        model_id = f"dtmi:following:Churned{self._chance.randrange(6)};1"
        parent = self._chance.choice([ROOM, METER])
        try:
            await self._client.create_models([interface(model_id, extends=parent)])
        except AlreadyExistsError:
            await self._client.decommission_model(model_id)
            await self._client.delete_model(model_id)

    async def _have_jobs(self) -> None:
        while (done := self.done.total()) < self._count:
            await asyncio.sleep(0.5)
            if self._delete_jobs_at and done >= self._delete_jobs_at[0]:
                self._delete_jobs_at.pop(0)
                await self._counted(self._delete_everything)
            elif self._chance.random() < 0.2:
                await self._counted(self._import)

    async def _import(self) -> None:
        job_id = f"import-{uuid.uuid4()}"
        await self._client.create_import_job(job_id, f"file:{BLOB}", f"file:{job_id}.log")
        await self._client.wait_for_import_job(job_id, timeout=_JOB_SECONDS)

    async def _delete_everything(self) -> None:
        """Has a job delete all twins and models, and uploads those models again that are needed."""
        job = await self._client.create_delete_job()
        await self._client.wait_for_delete_job(job.id, timeout=_JOB_SECONDS)
        await upload(self._client)


async def upload(client: AsyncTwinfrontClient) -> None:
    """Uploads the models, those of them that are missing."""
    while True:
        try:
            await client.create_models(MODELS)
        except AlreadyExistsError:
            return
        except TwinfrontError:
            await asyncio.sleep(0.2)


async def main(target: str, token: str, count: str, seed: str, delete_jobs: str) -> None:
    async with AsyncTwinfrontClient(target, token=Path(token).read_text, insecure=True) as client:
        await upload(client)
        writers = Writers(client, int(count), int(seed), int(delete_jobs))
        await writers.run()
    sys.stdout.write(json.dumps({"done": writers.done, "refused": writers.refused}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
