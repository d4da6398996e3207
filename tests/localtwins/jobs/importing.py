"""Files in the import format, and running jobs over them."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from localtwins.jobs.blobs import Blob, open_blob
from localtwins.settings import Settings

from ..adt import MODELS, Adt, Answer

Row = dict[str, Any]

FINISHED = {"succeeded", "failed", "cancelled"}
HEADER: Row = {"fileVersion": "1.0.0", "author": "test", "organization": "test"}
SPACE = "dtmi:test:Space;1"
ROOM = "dtmi:test:Room;1"
MACHINE = "dtmi:test:Machine;1"


def room(twin_id: str, **properties: Any) -> Row:
    return {"$dtId": twin_id, "$metadata": {"$model": ROOM}, "sensor": {"$metadata": {}}, **properties}


def machine(twin_id: str, **properties: Any) -> Row:
    return {"$dtId": twin_id, "$metadata": {"$model": MACHINE}, **properties}


def served_by(source: str, target: str, **members: Any) -> Row:
    row = {"$dtId": source, "$relationshipId": "r", "$targetId": target, "$relationshipName": "servedBy"}
    return row | members


def lines(
    *,
    models: Iterable[Any] = MODELS,
    twins: Iterable[Row] = (),
    relationships: Iterable[Row] = (),
    header: Row = HEADER,
) -> list[bytes]:
    """The lines of a file with all sections."""
    rows: list[Row] = [{"Section": "Header"}, header]
    for section, content in {"Models": models, "Twins": twins, "Relationships": relationships}.items():
        rows += [{"Section": section}, *content]
    return [json.dumps(row).encode() for row in rows]


class Jobs:
    """Import jobs of a service whose jobs directory is `folder`."""

    def __init__(self, adt: Adt, folder: Path) -> None:
        self.adt = adt
        self.folder = folder

    async def start(self, job_id: str, content: bytes | list[bytes]) -> Answer:
        text = content if isinstance(content, bytes) else b"\n".join(content) + b"\n"
        (self.folder / f"{job_id}.ndjson").write_bytes(text)
        return await self.put(job_id, f"file:{job_id}.ndjson", f"file:{job_id}.log")

    async def put(self, job_id: str, input_uri: str, output_uri: str) -> Answer:
        return await self.adt.put(f"/jobs/imports/{job_id}", {"inputBlobUri": input_uri, "outputBlobUri": output_uri})

    async def run(self, job_id: str, content: bytes | list[bytes]) -> Row:
        """Run a job to its end and give it."""
        answer = await self.start(job_id, content)
        assert answer.status == 201, answer
        return await self.finished(job_id)

    async def get(self, job_id: str) -> Row:
        job: Row = (await self.adt.get(f"/jobs/imports/{job_id}")).body
        return job

    async def reached(self, job_id: str, *statuses: str) -> Row:
        """Wait until a job is in one of some statuses."""
        while (job := await self.get(job_id))["status"] not in statuses:
            await asyncio.sleep(0.005)
        return job

    async def finished(self, job_id: str) -> Row:
        return await self.reached(job_id, *FINISHED)

    def log_lines(self, job_id: str) -> list[Row]:
        log = self.folder / f"{job_id}.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def log(self, job_id: str) -> list[Row]:
        """The details of the log's lines."""
        return [line["details"] for line in self.log_lines(job_id)]

    def refused(self, job_id: str) -> list[Row]:
        return [details for details in self.log(job_id) if "line" in details]


class Gate:
    """Blobs that can be read only while the gate is open.

    Attributes:
        free: how many pieces can be read though it is closed.
    """

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.free = 0

    @asynccontextmanager
    async def open_blob(self, uri: str, settings: Settings) -> AsyncIterator[Blob]:
        async with open_blob(uri, settings) as blob:
            yield GatedBlob(blob, self)

    async def pass_through(self) -> None:
        if self.free:
            self.free -= 1
        else:
            await self.opened.wait()


class GatedBlob:
    def __init__(self, blob: Blob, gate: Gate) -> None:
        self._blob = blob
        self._gate = gate

    async def version(self) -> str:
        return await self._blob.version()

    async def chunks(self, offset: int, version: str) -> AsyncGenerator[bytes]:
        async for chunk in self._blob.chunks(offset, version):
            await self._gate.pass_through()
            yield chunk

    async def append(self, data: bytes, offset: int) -> None:
        await self._blob.append(data, offset)
