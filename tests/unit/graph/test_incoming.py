"""What the caller of an import sends."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from twinfront.v1.graph_service_pb2 import ImportGraphRequest
from twinfront_server.graph.incoming import Incoming

SOON = 0.01


class Caller:
    """Sends a message whenever it is told to."""

    def __init__(self) -> None:
        self._to_send: asyncio.Queue[ImportGraphRequest | None] = asyncio.Queue()
        self.taken = 0

    def send(self, text: bytes) -> None:
        self._to_send.put_nowait(ImportGraphRequest(chunk=text))

    def end(self) -> None:
        self._to_send.put_nowait(None)

    async def requests(self) -> AsyncIterator[ImportGraphRequest]:
        while (message := await self._to_send.get()) is not None:
            self.taken += 1
            yield message


@pytest.fixture
async def caller() -> Caller:
    return Caller()


@pytest.fixture
async def stop() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
async def incoming(caller: Caller, stop: asyncio.Event) -> AsyncIterator[Incoming]:
    incoming = Incoming(caller.requests(), stop)
    yield incoming
    incoming.close()


async def chunks(incoming: Incoming) -> list[bytes]:
    found = []
    while (message := await incoming.message()) is not None:
        found.append(message.chunk)
    return found


async def test_messages_come_in_their_order_up_to_the_last(caller: Caller, incoming: Incoming):
    for text in (b"one", b"two"):
        caller.send(text)
    caller.end()
    assert await chunks(incoming) == [b"one", b"two"]


async def test_a_message_that_was_waited_for_in_vain_is_not_lost(caller: Caller, incoming: Incoming):
    assert not await incoming.comes(SOON)
    caller.send(b"late")
    assert await incoming.comes(SOON)
    caller.end()
    assert await chunks(incoming) == [b"late"]


async def test_the_end_of_the_stream_ends_the_waiting(incoming: Incoming, stop: asyncio.Event):
    waiting = asyncio.create_task(incoming.message())
    await asyncio.sleep(SOON)
    stop.set()
    assert await asyncio.wait_for(waiting, 5) is None


async def test_no_message_is_asked_for_once_the_stream_is_to_end(
    caller: Caller, incoming: Incoming, stop: asyncio.Event
):
    stop.set()
    caller.send(b"unwanted")
    assert await incoming.comes(SOON)
    assert await incoming.message() is None
    assert caller.taken == 0


async def test_what_is_still_sent_when_the_stream_is_to_end_is_read_off(
    caller: Caller, incoming: Incoming, stop: asyncio.Event
):
    stop.set()
    for text in (b"one", b"two"):
        caller.send(text)
    caller.end()
    await asyncio.wait_for(incoming.drain(), 5)
    assert caller.taken == 2


async def test_a_caller_that_pauses_is_heard_out_no_longer(
    incoming: Incoming, stop: asyncio.Event, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("twinfront_server.graph.incoming.DRAIN_SECONDS", 3600.0)
    stop.set()
    await asyncio.wait_for(incoming.drain(), 10)


async def test_nothing_is_read_off_while_the_stream_goes_on(caller: Caller, incoming: Incoming):
    caller.send(b"one")
    await incoming.drain()
    assert caller.taken == 0
