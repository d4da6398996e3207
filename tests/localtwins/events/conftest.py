"""A service whose event routes can deliver to the file `events.ndjson` and to a webhook."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localtwins import LocalTwins, Settings

from ..adt import MACHINE_TWIN, MODELS, ROOM_TWIN, SPACE_TWIN, Adt
from .webhook import Webhook


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    async with Webhook() as webhook:
        yield webhook


@pytest.fixture
def settings(tmp_path: Path, webhook: Webhook) -> Settings:
    return Settings(endpoint={"file": f"file:{tmp_path / 'events.ndjson'}", "hook": webhook.url})


@pytest.fixture
async def routed(settings: Settings) -> AsyncIterator[Adt]:
    """The twins room, hall and machine, and no routes yet."""
    service = await LocalTwins.open(":memory:", settings)
    adt = Adt(service)
    await create_graph(adt)
    yield adt
    await service.close()


async def create_graph(adt: Adt) -> None:
    assert (await adt.post("/models", MODELS)).status == 201
    for twin_id, twin in {"room": ROOM_TWIN, "hall": SPACE_TWIN, "machine": MACHINE_TWIN}.items():
        assert (await adt.put(f"/digitaltwins/{twin_id}", twin)).status == 200
