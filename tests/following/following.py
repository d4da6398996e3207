"""Runs writers, watchers and caches from beginning to end, and has things happen to the fronts meanwhile."""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from twinfront import AsyncTwinfrontClient
from twinfront.v1 import change_service_pb2 as messages

from .caches import HeldCache
from .filters import Filter, random_filter
from .graph import LAB, METER, NAMES, PREFIXES, ROOM, upload
from .judging import problems_of
from .log import Log
from .report import Report
from .scene import Scene, scene
from .watcher import Habits, Surroundings, Watcher

_CHECKOUT: Final = Path(__file__).parents[2]
_READ_SECONDS: Final = 0.05
_SETTLING_SECONDS: Final = 60.0
"""The longest that the last changes may take until everybody knows of them, some of whom have much to catch up on."""

CACHES: Final = (
    Filter(),
    Filter(prefixes=(PREFIXES[0],), ids=frozenset({"b-1", "b-2"})),
    Filter(models=frozenset({ROOM})),
    Filter(models=frozenset({LAB, METER}), names=frozenset({NAMES[0]})),
)


@dataclass(frozen=True)
class Plan:
    """The size of a run, and what is made to happen in it.

    Attributes:
        seed: of what is written and what happens.
        writes: how many are acknowledged before it ends.
        watchers: how many there are.
        every: seconds between two things that happen.
        max_changes: how many changes the log keeps.
        delete_jobs: how often everything is deleted.
        embedded: whether there is one front with the service in its process, and no service of its own.
    """

    seed: int = 1
    writes: int = 1_500
    watchers: int = 100
    every: float = 2.0
    max_changes: int = 100_000
    delete_jobs: int = 0
    embedded: bool = False


def follow(plan: Plan) -> Report:
    """Runs everything, until so much was written and everybody knows of it."""
    with scene(plan.seed, max_changes=plan.max_changes, embedded=plan.embedded) as stage, Log(stage.database) as log:
        return asyncio.run(_follow(plan, stage, log))


async def _follow(plan: Plan, stage: Scene, log: Log) -> Report:
    began = time.monotonic()
    chance = random.Random(plan.seed)
    tokens = [stage.token_file(is_limited=is_limited).read_text() for is_limited in (False, True)]
    around = Surroundings(stage.targets, lambda is_limited: tokens[is_limited], log, {})
    watchers = [
        Watcher(_filter(number, chance), _habits(number, chance), around, random.Random(chance.random()))
        for number in range(plan.watchers)
    ]
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(AsyncTwinfrontClient(stage.target, token=tokens[0], insecure=True))
        await upload(client)
        caches = [HeldCache(client, wanted) for wanted in CACHES]
        following = [await stack.enter_async_context(_running(each)) for each in watchers]
        for cache in caches:
            await cache.start()
            stack.push_async_callback(cache.close)
        await stack.enter_async_context(_reading(log))
        written = await _write(plan, stage, caches, chance)
        await _settle(watchers, following, caches, log)
        for task in following:
            task.cancel()
        for watcher, ended in zip(watchers, await asyncio.gather(*following, return_exceptions=True), strict=True):
            if isinstance(ended, Exception):
                watcher.problems.append(f"it gave up: {ended!r}")
        documents = log.documents()
        for cache in caches:
            cache.problems += cache.differences(documents)
        for watcher in watchers:
            if watcher.copy is not None:
                watcher.problems += watcher.copy.problems + watcher.copy.differences(documents, watcher.wanted)
    return _report(time.monotonic() - began, stage, log, watchers, caches, around, written)


def _filter(number: int, chance: random.Random) -> Filter:
    """Gives each watcher a filter of its own; the first ones want everything."""
    return Filter() if number < 6 else random_filter(chance)


def _habits(number: int, chance: random.Random) -> Habits:
    state = (messages.INITIAL_STATE_NONE, messages.INITIAL_STATE_GRAPH, messages.INITIAL_STATE_TWINS)[number % 3]
    return Habits(
        initial_state=state,
        resyncs=state != messages.INITIAL_STATE_NONE and chance.random() < 0.7,
        content=chance.choice([messages.CHANGE_CONTENT_PATCH, messages.CHANGE_CONTENT_AFTER]),
        pause=1.0 if chance.random() < 0.08 else 0.0,
        leaves=chance.choice([0.0, 0.0, 0.02, 0.1]),
        away=chance.choice([0.0, 1.0, 10.0]),
    )


@asynccontextmanager
async def _running(watcher: Watcher) -> AsyncIterator[asyncio.Task[None]]:
    """Has a watcher follow the graph, from a moment before the block on."""
    begun = asyncio.Event()
    task = asyncio.create_task(watcher.run(begun))
    task.add_done_callback(lambda _: begun.set())
    await begun.wait()
    yield task


@asynccontextmanager
async def _reading(log: Log) -> AsyncIterator[None]:
    """Reads the log as it grows, inside the block."""

    async def read() -> None:
        while True:
            log.read_on()
            await asyncio.sleep(_READ_SECONDS)

    task = asyncio.create_task(read())
    try:
        yield
    finally:
        task.cancel()


async def _write(plan: Plan, stage: Scene, caches: Sequence[HeldCache], chance: random.Random) -> dict[str, Any]:
    """Has a process write, while things happen; gives what became of the writes."""
    words = [stage.target, stage.token_file(is_limited=False), plan.writes, plan.seed, plan.delete_jobs]
    writing = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.following.graph", *map(str, words), cwd=_CHECKOUT, stdout=asyncio.subprocess.PIPE
    )
    output = asyncio.create_task(writing.communicate())
    try:
        while not output.done():
            await asyncio.wait([output], timeout=plan.every)
            if not output.done():
                await asyncio.to_thread(stage.happenings.next)
                await chance.choice(caches).restart()
    finally:
        if not output.done():
            writing.kill()
        stdout, _ = await output
    assert writing.returncode == 0, "those who write gave up"
    written: dict[str, Any] = json.loads(stdout)
    return written


async def _settle(
    watchers: Sequence[Watcher], following: Sequence[asyncio.Task[None]], caches: Sequence[HeldCache], log: Log
) -> None:
    """Returns when everybody knows of everything, or should."""
    log.read_on()
    for watcher in watchers:
        watcher.go_on_to(time.time())
    await asyncio.wait(following, timeout=_SETTLING_SECONDS)
    documents = log.documents()
    end = time.monotonic() + _SETTLING_SECONDS
    while time.monotonic() < end and not all(cache.is_as(documents) for cache in caches):
        await asyncio.sleep(0.2)


def _report(
    seconds: float,
    stage: Scene,
    log: Log,
    watchers: Sequence[Watcher],
    caches: Sequence[HeldCache],
    around: Surroundings,
    written: dict[str, Any],
) -> Report:
    problems = []
    for number, watcher in enumerate(watchers):
        name = f"watcher {number} ({watcher.wanted}, {watcher.habits})"
        problems += [f"{name}: {problem}" for problem in problems_of(watcher, log.rows, around.jobs)]
    for cache in caches:
        problems += [f"the cache of {cache.wanted}: {problem}" for problem in cache.problems]
    stretches = [stretch for watcher in watchers for stretch in watcher.stretches]
    return Report(
        seconds=seconds,
        changes=len(log.rows),
        trimmed=log.lost(),
        writes=written["done"],
        refused=written["refused"],
        happened=dict(stage.happenings.times),
        watchers=len(watchers),
        told=sum(watcher.changes for watcher in watchers),
        gaps=sum(stretch.lost is not None for stretch in stretches),
        ends=dict(sum((watcher.ends for watcher in watchers), Counter())),
        caches=dict(sum((cache.counts for cache in caches), Counter())),
        problems=problems,
    )
