"""A watch of a test's, and short names for what it is told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio

from twinfront.v1 import change_service_pb2 as messages
from twinfront.v1.change_service_pb2_grpc import ChangeServiceStub

SECONDS = 20.0
"""The longest that a message is waited for."""

Told = tuple[str, str]
"""The kind of a change in few words, and what it is about: `("TWIN_CREATED", "room")`."""


def name_of(kind: messages.ChangeKind.ValueType) -> str:
    return messages.ChangeKind.Name(kind).removeprefix("CHANGE_KIND_")


def told(change: messages.Change) -> Told:
    about = change.digital_twin_id or change.model_id
    return name_of(change.kind), f"{about}/{change.relationship_id}" if change.relationship_id else about


class Watcher:
    """Reads a watch.

    Attributes:
        messages: all that have come.
    """

    def __init__(self, call: Any) -> None:
        self._call = call
        self.messages: list[messages.WatchResponse] = []

    @property
    def token(self) -> str:
        """The token of the last message."""
        return self.messages[-1].resume_token

    async def next(self) -> messages.WatchResponse:
        """Reads a message.

        Raises:
            AioRpcError: the watch ends with an error.
            StopAsyncIteration: it ends.
        """
        async with asyncio.timeout(SECONDS):
            message: messages.WatchResponse = await anext(self._call)
        assert message.resume_token
        self.messages.append(message)
        return message

    async def next_but_checkpoints(self) -> messages.WatchResponse:
        while (message := await self.next()).HasField("checkpoint"):
            pass
        return message

    async def changes(self, count: int) -> list[messages.Change]:
        """Reads so many changes, and no more messages than that takes."""
        changes: list[messages.Change] = []
        while len(changes) < count:
            message = await self.next_but_checkpoints()
            assert message.HasField("changes"), message
            changes += message.changes.changes
        assert len(changes) == count, changes
        return changes

    async def told(self, count: int) -> list[Told]:
        return [told(change) for change in await self.changes(count)]

    async def change(self) -> messages.Change:
        (change,) = await self.changes(1)
        return change

    async def state(self) -> tuple[list[str], list[str]]:
        """Reads the state to its end: the ids of the twins, and those of the relationships with their sources."""
        twins: list[str] = []
        relationships: list[str] = []
        while not (message := await self.next_but_checkpoints()).HasField("initial_state_end"):
            assert message.HasField("initial_items"), message
            twins += [twin.id for twin in message.initial_items.digital_twins]
            relationships += [f"{each.source_id}/{each.id}" for each in message.initial_items.relationships]
        return twins, relationships

    async def end(self) -> None:
        """Reads on to the end."""
        while True:
            try:
                await self.next()
            except StopAsyncIteration:
                return


@asynccontextmanager
async def watching(
    channel: grpc.aio.Channel, metadata: Sequence[tuple[str, str]] = (), /, **request: Any
) -> AsyncIterator[Watcher]:
    """Watches from the first message on, which has been read if it is a checkpoint: what is done now is told."""
    call = ChangeServiceStub(channel).Watch(messages.WatchRequest(**request), metadata=metadata)
    watcher = Watcher(aiter(call))
    try:
        if not {"resume_token", "start_time", "initial_state"} & request.keys():
            assert (await watcher.next()).HasField("checkpoint")
        yield watcher
    finally:
        call.cancel()
