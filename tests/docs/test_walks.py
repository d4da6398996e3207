"""Traces what calls go through, and holds it against the plan in CONTRIBUTING.md."""

import asyncio
import re
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final
from uuid import uuid4

import pytest

import twinfront_server
from twinfront import TwinHasRelationshipsError, patch
from twinfront.v1.change_service_pb2 import GetChangeLogRequest, WatchRequest
from twinfront.v1.change_service_pb2_grpc import ChangeServiceStub

from ..conftest import CHECKOUT
from ..fault.embedded.house import House, serving
from ..fault.embedded.test_injected_faults import LOBBY, furnish

FRONT: Final = Path(twinfront_server.__file__).parent
TEMPERATURE: Final = 25.0
ON_ITS_OWN: Final = "stall_watch.py"
"""Files that a timer of the event loop enters, whatever else is going on."""


def plan() -> dict[str, list[str]]:
    """The files of each walk in CONTRIBUTING.md, by its heading."""
    text = (CHECKOUT / "CONTRIBUTING.md").read_text()
    chapter = text.partition("\n## The way of a call\n")[2].partition("\n## ")[0]
    _, *walks = chapter.split("\n### ")
    headings = [walk.partition("\n") for walk in walks]
    return {heading: re.findall(r"`([\w/]+\.py)`", walk.partition("\n\n")[2]) for heading, _, walk in headings}


def paragraph(files: list[str]) -> str:
    """Gives files as the plan has them, to be copied into it."""
    return textwrap.fill(" → ".join(f"`{file}`" for file in files), 124, break_on_hyphens=False)


PLAN: Final = plan()
FIRST: Final = "Every call"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with serving() as house:
        await furnish(house.client)
        yield house


async def read(house: House) -> None:
    await house.client.get_digital_twin("lobby")


async def patch_under_an_etag(house: House) -> None:
    """The etag is of a twin that no write has touched since the last tracing."""
    step = patch().replace("/temperature", TEMPERATURE)
    await house.client.update_digital_twin("lobby", step, if_match=ETAGS.pop(), request_id=str(uuid4()))


async def delete_what_has_relationships(house: House) -> None:
    with pytest.raises(TwinHasRelationshipsError):
        await house.client.delete_digital_twin("lobby", request_id=str(uuid4()))


async def query(house: House) -> None:
    assert [row async for row in house.client.query("SELECT * FROM digitaltwins")]


async def import_one_twin(house: House) -> None:
    assert [report async for report in house.client.import_graph([{"$dtId": "attic"} | LOBBY])]


async def watch_a_change(house: House) -> None:
    stub = ChangeServiceStub(house.client._channel)
    call = stub.Watch(WatchRequest(resume_token=TOKENS[-1]))
    assert (await anext(aiter(call))).changes.changes
    call.cancel()


ETAGS: Final[list[str]] = []
TOKENS: Final[list[str]] = []

WALKS: Final[dict[str, tuple[Callable[[House], Awaitable[None]], str]]] = {
    "A read": (read, ""),
    "A conditional patch": (patch_under_an_etag, ""),
    "A write whose answer is lost": (patch_under_an_etag, "lost=503:on=patch_digital_twin:count=1"),
    "A blocked delete": (delete_what_has_relationships, ""),
    "A query": (query, ""),
    "An item of an import": (import_one_twin, ""),
    "A watch": (watch_a_change, ""),
}
"""By heading: the call, and the fault that it meets."""


async def traced(house: House, call: Callable[[House], Awaitable[None]]) -> list[str]:
    """Lists the files of the front in the order in which a call enters them."""
    entered: dict[str, None] = {}

    def enter(frame: FrameType, event: str, _arg: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(f"{FRONT}/"):
            entered[frame.f_code.co_filename.removeprefix(f"{FRONT}/")] = None

    await house.app._chain.in_flight.idle()
    sys.setprofile(enter)
    try:
        await call(house)
        await asyncio.wait_for(house.app._chain.in_flight.idle(), 5)
    finally:
        sys.setprofile(None)
    return [file for file in entered if file != ON_ITS_OWN]


def test_the_plan_has_every_walk_and_no_other():
    assert list(PLAN) == [FIRST, *WALKS]


def test_all_files_of_the_plan_are_there():
    assert [file for files in PLAN.values() for file in files if not (FRONT / file).is_file()] == []


@pytest.mark.parametrize("heading", WALKS)
async def test_a_call_goes_the_way_that_the_plan_says(house: House, heading: str):
    call, fault = WALKS[heading]
    for _ in range(2):  # the first call of a method composes its chain
        ETAGS[:] = [(await house.client.get_digital_twin("lobby")).etag]
        log = await ChangeServiceStub(house.client._channel).GetChangeLog(GetChangeLogRequest())
        TOKENS[:] = [log.oldest_token]
        house.inject(fault)
        entered = await traced(house, call)
    start, end = entered[: len(PLAN[FIRST])], entered[len(PLAN[FIRST]) :]
    assert start == PLAN[FIRST], f"it begins with:\n{paragraph(start)}"
    assert end == PLAN[heading], f"it goes on with:\n{paragraph(end)}"
