"""A part of the graph that is kept in memory, and stays as it is in the service."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from grpc import StatusCode

from twinfront._aio.client import AsyncTwinfrontClient
from twinfront._aio.pages import AsyncPager
from twinfront._attempts import asked_for
from twinfront._cached_graph import CachedGraph, Resource, Step
from twinfront._changes import Change, ChangeKind, Checkpoint, InitialItem, InitialStateEnd, Reset, WatchItem
from twinfront._digital_twins import DigitalTwin
from twinfront._for_asyncio import Background, CallEnded, Signal, Stop, awaited
from twinfront._lineage import Lineage
from twinfront._models import Model
from twinfront._relationships import Relationship
from twinfront._retry import pause
from twinfront._timestamps import Timestamp
from twinfront._watching import WatchCourse, cannot_go_on, watch_request
from twinfront.errors import (
    CallCancelledError,
    NotFoundError,
    PermissionDeniedError,
    ResumeTokenInvalidError,
    TwinfrontError,
)

Added: TypeAlias = Callable[[Resource], Awaitable[None] | None]
"""Takes what has come into a cache."""

Changed: TypeAlias = Callable[[Resource, Resource], Awaitable[None] | None]
"""Takes what is another than before: as it was, and as it is."""

Removed: TypeAlias = Callable[[Resource], Awaitable[None] | None]
"""Takes what is no longer in a cache, as it was."""

_CATCHING_UP: Final = 2.0
"""Seconds between checkpoints of a cache that goes on from a saved state."""

_LOG: Final = logging.getLogger("twinfront")
_TWINS: Final = (ChangeKind.TWIN_CREATED, ChangeKind.TWIN_UPDATED, ChangeKind.TWIN_DELETED)
_GRAPH: Final = (
    *_TWINS,
    ChangeKind.RELATIONSHIP_CREATED,
    ChangeKind.RELATIONSHIP_UPDATED,
    ChangeKind.RELATIONSHIP_DELETED,
)


class AsyncTwinCache:
    """Holds digital twins in memory: `async with AsyncTwinCache(client, model_ids=["dtmi:example:Room;1"]) as rooms:`.

    It reads the state as it is, follows the changes, and goes on by itself where that breaks, for as long as it takes.
    Where changes are lost, or not told one by one, it reads the state again and tells what is another by then.

    `added`, `changed` and `removed` are told of digital twins and relationships, one after the other, once the cache
    shows it. Nothing is read while one of them runs; a cache that takes long goes on where it was. What they raise is
    logged, and the cache goes on.

    What it gives is its own: to be read, and not to be changed. It holds what it shows, and no more.

    Args:
        client: The client to read with; it is not closed.
        digital_twin_ids: Only these twins.
        digital_twin_id_prefixes: Only twins whose ids begin so; beside ids, either has to fit.
        model_ids: Only twins of these models and of their descendants.
        relationships: Holds the relationships that start from these twins as well.
        relationship_names: Only those with these names.
        indexed: JSON Pointers to the properties that `find` finds twins by.
        saved: The bytes that `save` gave, of a cache with the same arguments: it goes on from there.
        added: Called with what has come in (a coroutine function too).
        changed: Called with what it was before, and what it is (a coroutine function too).
        removed: Called with what it was (a coroutine function too).

    Raises:
        ValueError: `saved` is nothing that was saved.
    """

    def __init__(
        self,
        client: AsyncTwinfrontClient,
        *,
        digital_twin_ids: Iterable[str] = (),
        digital_twin_id_prefixes: Iterable[str] = (),
        model_ids: Iterable[str] = (),
        relationships: bool = False,
        relationship_names: Iterable[str] = (),
        indexed: Iterable[str] = (),
        saved: bytes | None = None,
        added: Added | None = None,
        changed: Changed | None = None,
        removed: Removed | None = None,
    ) -> None:
        self._client = client
        self._added, self._changed, self._removed = added, changed, removed
        self._request: dict[str, Any] = {
            "initial_state": "graph" if relationships else "twins",
            "on_expired": "resync",
            "digital_twin_ids": list(digital_twin_ids),
            "digital_twin_id_prefixes": list(digital_twin_id_prefixes),
            "model_ids": list(model_ids),
            "kinds": _GRAPH if relationships else _TWINS,
            "relationship_names": list(relationship_names),
            "content": "after",
        }
        self._graph = CachedGraph(indexed)
        self._lineage = Lineage()
        self._models_hidden: PermissionDeniedError | None = None
        if saved is not None:
            self._graph.restore(saved)
        self._messages = 0
        self._newest: int | None = None
        self._error: Exception | None = None
        self._is_synced = False
        self._settled = Signal()
        self._stop = Stop()
        self._background: Background | None = None

    def __len__(self) -> int:
        return len(self._graph)

    def __contains__(self, digital_twin_id: object) -> bool:
        return isinstance(digital_twin_id, str) and self.get(digital_twin_id) is not None

    def get(self, digital_twin_id: str) -> DigitalTwin | None:
        """Gives a digital twin; None if there is none."""
        return self._graph.digital_twin(digital_twin_id)

    def list(self, *, model_id: str | None = None, prefix: str = "") -> Sequence[DigitalTwin]:
        """Lists digital twins in the order of their ids.

        Args:
            model_id: Only those of this model and of its descendants.
            prefix: Only those whose ids begin so.

        Raises:
            PermissionDeniedError: With `model_id`: the caller may not read what the models of the twins extend.
        """
        if model_id is not None and self._models_hidden is not None:
            raise self._models_hidden
        fits = None if model_id is None else partial(self._lineage.descends, ancestor=model_id)
        return self._graph.digital_twins(prefix, fits)

    def find(self, pointer: str, value: object) -> Sequence[DigitalTwin]:
        """Lists the digital twins that have a value, in the order of their ids.

        Args:
            pointer: The JSON Pointer to the property, one of `indexed`.
            value: The value; 20 and 20.0 are the same.

        Raises:
            KeyError: The twins are not indexed by it.
        """
        return self._graph.with_value(pointer, value)

    def get_relationship(self, digital_twin_id: str, relationship_id: str) -> Relationship | None:
        """Gives a relationship; None if there is none."""
        return self._graph.relationship((digital_twin_id, relationship_id))

    def relationships(self, digital_twin_id: str) -> Sequence[Relationship]:
        """Lists the relationships that start from a digital twin, in the order of their ids."""
        return self._graph.outgoing(digital_twin_id)

    def incoming_relationships(self, digital_twin_id: str) -> Sequence[Relationship]:
        """Lists the relationships that point to a digital twin, of those that the cache holds."""
        return self._graph.incoming(digital_twin_id)

    @property
    def is_synced(self) -> bool:
        """Tells whether it has shown a whole state since it began."""
        return self._is_synced

    @property
    def error(self) -> Exception | None:
        """Tells what keeps it from following the changes at present; None if nothing does."""
        return self._error

    async def synced(self, timeout: float | None = None) -> None:
        """Waits until it has shown a whole state since it began.

        Args:
            timeout: Seconds to wait; as long as it takes by default.

        Raises:
            TwinfrontError: It has ended: the caller is not permitted to watch, or the server follows no source.
            TimeoutError: It was not so in that time.
        """
        has_settled = await self._settled.wait(timeout)
        if self._is_synced:
            return
        if has_settled and self._error is not None:
            raise self._error
        raise TimeoutError(f"the cache has not shown a whole state yet; it failed last with {self._error}")

    def save(self) -> bytes:
        """Writes all that it holds, and where it goes on, to be given as `saved` to a cache with the same arguments.

        What it is about to tell is told again then. Other threads may call it.
        """
        return self._graph.save()

    async def start(self) -> Self:
        """Begins to follow the changes, as soon as there is a server."""
        if self._background is None:
            self._background = Background(self._run)
        return self

    async def aclose(self) -> None:
        """Ends it; what it holds stays, and can be saved."""
        self._stop.set()
        if self._background is not None:
            await self._background.ended()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            messages, seconds = self._messages, 0.0
            try:
                await self._follow()
            except TwinfrontError as error:
                self._error, seconds = error, asked_for(error)
                if isinstance(error, ResumeTokenInvalidError) and self._graph.resume_token:
                    self._graph.begin_anew()
                elif cannot_go_on(error, was_there=self._messages > 0):
                    break
            except CallEnded:
                self._error = CallCancelledError("The client was closed.", code=StatusCode.CANCELLED)
                break
            except Exception as error:  # noqa: BLE001  (the client was closed, or its token cannot be had)
                self._error = error
                break
            failures = 1 if self._messages > messages else failures + 1
            await self._stop.wait(max(pause(failures), seconds))
        if self._error is not None and not self._stop.is_set():
            _LOG.error("a cache of digital twins has ended", exc_info=self._error)
        self._settled.set()

    async def _follow(self) -> None:
        """Follows the changes until that breaks, from where the graph is."""
        if not self._graph.is_listing and not self._is_synced:
            newest = (await self._client.get_change_log()).newest_time
            if newest is None:
                self._has_synced()
            else:
                self._newest = newest.nanoseconds
        request = watch_request(
            **self._request,
            resume_token=self._graph.resume_token,
            # The sooner it is told how far it has come, the sooner a saved state is known to be whole again.
            checkpoint_interval=None if self._newest is None else _CATCHING_UP,
        )
        course = WatchCourse(request, self._graph.handled_ids)
        messages = self._client._follow(  # noqa: SLF001  (what `watch` gives, message by message)
            self._client._change_service.Watch,  # noqa: SLF001  (likewise)
            course.call_from,
            None,
            (),
            self._stop,
        )
        async with aclosing(messages):
            async for items in messages:
                self._messages += 1
                await self._take(items)
                self._graph.reached(course.resume_token)
                self._error = None

    async def _take(self, items: Sequence[WatchItem]) -> None:
        """Takes a message."""
        await self._learn(items)
        for item in items:
            match item:
                case Reset():
                    self._lineage.may_be_others()
                    self._graph.begin_listing()
                case InitialItem():
                    await self._tell(self._graph.listed(item.digital_twin or item.relationship))
                case InitialStateEnd():
                    await self._tell(self._graph.unlisted())
                    self._graph.end_listing(item.resume_token)
                    self._has_synced()
                case Change():
                    await self._tell(self._graph.changed(item))
                    self._graph.handled(item.id)
                    self._knows_all_until(item.time)
                case Checkpoint():
                    self._knows_all_until(item.time)

    async def _learn(self, items: Sequence[WatchItem]) -> None:
        """Reads the models of twins of which nothing is known, to find them by the models that these extend."""
        twins = (item.digital_twin for item in items if isinstance(item, Change | InitialItem))
        unknown = self._lineage.unknown([*(twin.model_id for twin in twins if twin), *self._graph.models()])
        if not unknown or self._models_hidden is not None:
            return
        try:
            self._lineage.learn(unknown, [model async for model in self._definitions(unknown)])
        except NotFoundError:
            for one in unknown:
                await self._learn_alone(one)
        except PermissionDeniedError as error:
            self._models_hidden = error

    async def _learn_alone(self, model_id: str) -> None:
        try:
            models = [model async for model in self._definitions([model_id])]
        except NotFoundError:
            models = []
        self._lineage.learn([model_id], models)

    def _definitions(self, model_ids: Sequence[str]) -> AsyncPager[Model]:
        return self._client.list_models(model_ids, include_model_definition=True)

    async def _tell(self, steps: Sequence[Step]) -> None:
        """Takes steps, one after the other, and tells each."""
        for step in steps:
            before, after = self._graph.take(step), step[1]
            try:
                if before is None and after is not None and self._added is not None:
                    await awaited(self._added(after))
                elif before is not None and after is not None and self._changed is not None:
                    await awaited(self._changed(before, after))
                elif before is not None and after is None and self._removed is not None:
                    await awaited(self._removed(before))
            except Exception:  # noqa: BLE001  (it is the caller's, and the cache goes on)
                _LOG.exception("a callback of a cache of digital twins has failed")
            self._graph.done()

    def _knows_all_until(self, time: Timestamp) -> None:
        """Notes how far the changes have come: a saved state is whole again when it has caught up."""
        if self._newest is not None and time.nanoseconds >= self._newest:
            self._has_synced()

    def _has_synced(self) -> None:
        self._newest, self._is_synced = None, True
        self._settled.set()
