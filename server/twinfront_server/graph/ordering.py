"""Work in the order in which it came where that matters, and side by side where it does not.

Each piece of work names what it has to itself (the twin that it writes) and what it shares with others (the twins that
a relationship is between). It begins when all earlier work that had one of these to itself has ended, and of what it
wants for itself all earlier work at all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class _Work:
    run: Callable[[], Awaitable[None]]
    size: int
    alone: tuple[Hashable, ...]
    shared: tuple[Hashable, ...]
    awaited: int = 0
    followers: "list[_Work]" = field(default_factory=list)


@dataclass(eq=False, slots=True)
class _Lane:
    """The unfinished work about one thing: the last that has it to itself, and what shares it since."""

    last_alone: _Work | None = None
    sharing: set[_Work] = field(default_factory=set)


class Ordering:
    """Takes in work and gives it to those who `work()`.

    Args:
        max_pending: how many pieces of work are taken in at the most before some end.
        max_pending_bytes: how many bytes of them, a single larger one aside.
    """

    def __init__(self, max_pending: int, max_pending_bytes: int) -> None:
        self._max_pending = max_pending
        self._max_pending_bytes = max_pending_bytes
        self._pending = 0
        self._pending_bytes = 0
        self._lanes: dict[Hashable, _Lane] = {}
        self._ready: asyncio.Queue[_Work] = asyncio.Queue()
        self._ended = asyncio.Event()

    @property
    def is_idle(self) -> bool:
        """Tells whether all work has ended."""
        return self._pending == 0

    async def submit(
        self,
        run: Callable[[], Awaitable[None]],
        *,
        size: int,
        alone: Iterable[Hashable] = (),
        shared: Iterable[Hashable] = (),
    ) -> None:
        """Takes in a piece of work; waits while there is too much of it."""
        while self._pending and not self._has_room(size):
            self._ended.clear()
            await self._ended.wait()
        work = _Work(run, size, tuple(alone), tuple(shared))
        self._pending += 1
        self._pending_bytes += size
        before = self._enter_lanes(work)
        work.awaited = len(before)
        for earlier in before:
            earlier.followers.append(work)
        if not before:
            self._ready.put_nowait(work)

    async def idle(self) -> None:
        """Returns when all work has ended."""
        while self._pending:
            self._ended.clear()
            await self._ended.wait()

    async def work(self) -> None:
        """Does one piece of work after the other, until cancelled."""
        while True:
            work = await self._ready.get()
            await work.run()
            self._end(work)

    def _has_room(self, size: int) -> bool:
        return self._pending < self._max_pending and self._pending_bytes + size <= self._max_pending_bytes

    def _enter_lanes(self, work: _Work) -> set[_Work]:
        before: set[_Work] = set()
        for key in work.shared:
            lane = self._lanes.setdefault(key, _Lane())
            if lane.last_alone is not None:
                before.add(lane.last_alone)
            lane.sharing.add(work)
        for key in work.alone:
            lane = self._lanes.setdefault(key, _Lane())
            before |= lane.sharing
            if lane.last_alone is not None:
                before.add(lane.last_alone)
            lane.last_alone, lane.sharing = work, set()
        before.discard(work)
        return before

    def _end(self, work: _Work) -> None:
        for key in (*work.alone, *work.shared):
            lane = self._lanes.get(key)
            if lane is None:
                continue
            lane.sharing.discard(work)
            if lane.last_alone is work:
                lane.last_alone = None
            if lane.last_alone is None and not lane.sharing:
                del self._lanes[key]
        for follower in work.followers:
            follower.awaited -= 1
            if follower.awaited == 0:
                self._ready.put_nowait(follower)
        self._pending -= 1
        self._pending_bytes -= work.size
        self._ended.set()
