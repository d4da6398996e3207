"""Caches of digital twins that go on from what another one has saved."""

import json
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from twinfront import AsyncTwinCache
from twinfront.v1 import change_service_pb2 as rpcs

from .scripted_caches import LATER, STATE, MakeCache, Told, until
from .scripted_changes import Streams, changes, checkpoint, end_of_state, items, reset, twin, updated
from .scripted_server import ScriptedServer


async def saved_when_synced(make_cache: MakeCache, **arguments: Any) -> bytes:
    """What a cache saves that has ended."""
    async with make_cache(**arguments) as cache:
        await cache.synced(5)
    return cache.save()


def saved(cache: AsyncTwinCache) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(cache.save())
    return state


def newest(time: str) -> Callable[..., rpcs.GetChangeLogResponse]:
    def answer(_request: Any, _context: grpc.ServicerContext) -> rpcs.GetChangeLogResponse:
        response = rpcs.GetChangeLogResponse(newest_token="n")
        if time:
            response.newest_time.FromJsonString(time)
        return response

    return answer


async def test_a_cache_goes_on_from_what_was_saved(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    told = Told()
    scripted.answers["Watch"] = Streams(STATE)
    state = await saved_when_synced(make_cache)
    scripted.requests.clear()
    scripted.answers["GetChangeLog"] = newest(LATER)
    streams = Streams((changes("t1", updated("c1", twin("a", 2, n=5))),))
    scripted.answers["Watch"] = streams
    async with make_cache(saved=state, indexed=["/n"], **told.callbacks) as cache:
        assert [one.id for one in cache.list()] == ["a", "b"]
        assert [one.id for one in cache.find("/n", 2)] == ["b"]
        await until(lambda: told.lines == ["a 1>5"])
        assert not cache.is_synced
        streams.send(checkpoint("t2", LATER))
        await cache.synced(5)
        await until(lambda: saved(cache)["resumeToken"] == "t2")
    watches = [request for request in scripted.requests if isinstance(request, rpcs.WatchRequest)]
    assert watches[0].resume_token == "s2"


async def test_a_saved_state_is_whole_at_once_where_nothing_has_ever_changed(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    scripted.answers["Watch"] = Streams(STATE)
    state = await saved_when_synced(make_cache)
    scripted.answers["GetChangeLog"] = newest("")
    async with make_cache(saved=state) as cache:
        await cache.synced(5)


async def test_a_state_that_was_not_whole_when_it_was_saved_is_read_anew(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    told = Told()
    streams = Streams((items("s1", twin("a", n=1), twin("b", n=2)),))
    scripted.answers["Watch"] = streams
    async with make_cache() as cache:
        await until(lambda: len(cache) == 2)
    assert saved(cache)["resumeToken"] == ""
    scripted.answers["Watch"] = Streams((items("s1", twin("b", n=2)), end_of_state("s2")))
    async with make_cache(saved=cache.save(), **told.callbacks) as cache:
        await cache.synced(5)
    assert told.lines == ["-a"]


async def test_what_is_saved_within_a_message_is_told_once_after_the_restart(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    told, states = Told(), []
    message = changes("t1", *(updated(f"c{version}", twin("a", version, n=version)) for version in (2, 3, 4)))

    def changed(before: Any, after: Any) -> None:
        told.callbacks["changed"](before, after)
        if after["n"] == 3:
            states.append(cache.save())

    scripted.answers["Watch"] = Streams((*STATE, message))
    async with make_cache(changed=changed) as cache:
        await until(lambda: told.lines[-1:] == ["a 3>4"])
    assert told.lines == ["a 1>2", "a 2>3", "a 3>4"]
    told.lines.clear()
    scripted.answers["GetChangeLog"] = newest(LATER)
    scripted.answers["Watch"] = Streams((message,))
    async with make_cache(saved=states[0], **told.callbacks) as cache:
        await until(lambda: told.lines[-1:] == ["a 3>4"])
    assert told.lines == ["a 2>3", "a 3>4"], "the one that was being told, and those behind it"


async def test_what_is_saved_while_a_state_ends_is_compared_with_the_whole_state(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    told, states = Told(), list[bytes]()
    anew = (items("r2", twin("a", n=1)), end_of_state("r3"))
    scripted.answers["Watch"] = Streams((*STATE, reset("r1"), *anew))
    cache: AsyncTwinCache = make_cache(removed=lambda _before: states.append(cache.save()))
    async with cache:
        await until(lambda: len(states) == 1)
    scripted.answers["Watch"] = Streams(anew)
    async with make_cache(saved=states[0], **told.callbacks) as again:
        await again.synced(5)
        assert [one.id for one in again.list()] == ["a"]
    assert told.lines == ["-b"]


@pytest.mark.parametrize("nothing_saved", [b"", b"[]", b"{}", b'{"version": 99}', b"\xff"])
def test_what_was_not_saved_by_a_cache_is_refused(make_cache: MakeCache, nothing_saved: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        make_cache(saved=nothing_saved)
