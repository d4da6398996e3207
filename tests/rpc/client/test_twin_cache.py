"""The cache of digital twins: that it shows what the service has, and tells each change of it once."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from twinfront import AsyncTwinCache, PermissionDeniedError, TwinCache, TwinfrontClient
from twinfront.v1 import change_service_pb2 as rpcs
from twinfront.v1.model_service_pb2 import ListModelsRequest

from .awaited import AwaitedCache
from .scripted_caches import LATER, SPECIAL, STATE, MakeCache, Told, models, until
from .scripted_changes import (
    MODEL,
    Streams,
    changes,
    created,
    deleted,
    end_of_state,
    items,
    related,
    relationship,
    reset,
    twin,
    updated,
)
from .scripted_server import ScriptedServer, failing


async def test_a_cache_shows_the_state_and_then_what_changes(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    told = Told()
    later = (
        changes("t1", created("c1", twin("c", 1, n=3)), updated("c2", twin("a", 2, n=10))),
        changes("t2", deleted("c3", twin("b", 1))),
    )
    scripted.answers["Watch"] = Streams((*STATE, *later), ())
    async with make_cache(**told.callbacks) as cache:
        await cache.synced(5)
        await until(lambda: len(told.lines) == 5)
        assert cache.is_synced
        assert [one.id for one in cache.list()] == ["a", "c"]
        found = cache.get("a")
        assert found is not None
        assert found["n"] == 10
        assert "b" not in cache
        assert len(cache) == 2
    assert told.lines == ["+a", "+b", "+c", "a 1>10", "-b"]


async def test_the_request_is_for_the_state_what_follows_and_the_resource_after_each_change(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    scripted.answers["Watch"] = Streams(STATE)
    async with make_cache(model_ids=[MODEL], relationships=True) as cache:
        await cache.synced(5)
    request = scripted.requests[0]
    assert request.initial_state == rpcs.INITIAL_STATE_GRAPH
    assert request.on_expired == rpcs.ON_EXPIRED_RESYNC
    assert request.content == rpcs.CHANGE_CONTENT_AFTER
    assert list(request.filter.model_ids) == [MODEL]
    assert list(request.filter.kinds) == [1, 2, 3, 4, 5, 6]


async def test_synced_waits_for_the_whole_state(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    streams = Streams()
    scripted.answers["Watch"] = streams
    async with make_cache() as cache:
        streams.send(items("s1", twin("a")))
        await until(lambda: "a" in cache)
        with pytest.raises(TimeoutError, match="not shown a whole state"):
            await cache.synced(0.05)
        assert not cache.is_synced
        streams.send(end_of_state("s2"))
        await cache.synced(5)


async def test_relationships_are_found_from_both_ends(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    told = Told()
    state = items("s1", twin("a"), twin("b"), relationship("a", "r1", "b"), relationship("a", "r2", "b"))
    gone = related("c1", rpcs.CHANGE_KIND_RELATIONSHIP_DELETED, relationship("a", "r1", "b"))
    moved = related("c2", rpcs.CHANGE_KIND_RELATIONSHIP_CREATED, relationship("a", "r2", "a", 2))
    scripted.answers["Watch"] = Streams((state, end_of_state("s2"), changes("t1", gone, moved)), ())
    async with make_cache(relationships=True, **told.callbacks) as cache:
        await until(lambda: len(told.lines) == 6)
        assert [one.id for one in cache.relationships("a")] == ["r2"]
        assert cache.incoming_relationships("b") == []
        assert [one.id for one in cache.incoming_relationships("a")] == ["r2"]
        assert cache.get_relationship("a", "r1") is None
        found = cache.get_relationship("a", "r2")
        assert found is not None
        assert found.target_id == "a"


async def test_twins_are_listed_by_model_with_its_descendants_and_by_prefix(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    state = items("s1", twin("room-2"), twin("room-1", model_id=SPECIAL), twin("hall"))
    moved = updated("c1", twin("hall", 2, model_id=SPECIAL))
    scripted.answers["Watch"] = Streams((state, end_of_state("s2"), changes("t1", moved)), ())
    async with make_cache() as cache:
        await until(lambda: len(cache.list(model_id=SPECIAL)) == 2)
        assert [one.id for one in cache.list(model_id=SPECIAL)] == ["hall", "room-1"]
        assert [one.id for one in cache.list(model_id=MODEL)] == ["hall", "room-1", "room-2"]
        assert [one.id for one in cache.list(prefix="room-")] == ["room-1", "room-2"]
        assert [one.id for one in cache.list(model_id=SPECIAL, prefix="room-")] == ["room-1"]
        assert cache.list(model_id="dtmi:example:Other;1") == []
    asked = [request for request in scripted.requests if isinstance(request, ListModelsRequest)]
    assert [list(request.dependencies_for) for request in asked] == [[SPECIAL, MODEL]]


async def test_twins_of_a_model_that_is_gone_are_found_by_it_alone(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    state = items("s1", twin("a", model_id="dtmi:example:Gone;1"), twin("b", model_id=SPECIAL))
    scripted.answers["Watch"] = Streams((state, end_of_state("s2")), ())
    async with make_cache() as cache:
        await cache.synced(5)
        assert [one.id for one in cache.list(model_id="dtmi:example:Gone;1")] == ["a"]
        assert [one.id for one in cache.list(model_id=MODEL)] == ["b"]


async def test_a_caller_who_may_not_read_models_is_told_so_when_he_lists_by_model(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    scripted.answers["Watch"] = Streams(STATE, ())
    scripted.answers["ListModels"] = failing(grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    async with make_cache() as cache:
        await cache.synced(5)
        assert len(cache.list()) == 2
        with pytest.raises(PermissionDeniedError):
            cache.list(model_id=MODEL)


async def test_twins_are_found_by_the_value_of_a_property(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    thermostat = {"$metadata": {}, "setpoint": 20}
    state = items("s1", twin("a", n=1, thermostat=thermostat), twin("b", n=1.0, flag=True), twin("c", n=True))
    scripted.answers["Watch"] = Streams(
        (state, end_of_state("s2"), changes("t1", updated("c1", twin("b", 2, n=7)))), ()
    )
    async with make_cache(indexed=["/n", "/thermostat/setpoint", "/flag"]) as cache:
        await until(lambda: bool(cache.find("/n", 7)))
        assert [one.id for one in cache.find("/n", 1)] == ["a"]
        assert [one.id for one in cache.find("/n", True)] == ["c"]
        assert [one.id for one in cache.find("/thermostat/setpoint", 20.0)] == ["a"]
        assert cache.find("/flag", True) == []
        with pytest.raises(KeyError):
            cache.find("/m", 1)


async def test_what_is_known_already_is_not_told_again(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    told = Told()
    known = changes("t1", updated("c1", twin("a", 1, n=1)), updated("c2", twin("a", 2, n=2)))
    scripted.answers["Watch"] = Streams((*STATE, known), ())
    async with make_cache(**told.callbacks):
        await until(lambda: len(told.lines) == 3)
    assert told.lines == ["+a", "+b", "a 1>2"]


async def test_without_etags_of_changes_the_time_of_a_twin_says_what_it_has_in_it_already(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    told = Told()
    state = items("s1", twin("a", 5, time=LATER, n=5))
    old = (created("c1", twin("a", 1, n=1), etag=""), deleted("c2", twin("a", 1), etag=""))
    new = updated("c3", twin("a", 6, n=6), etag="", time="2026-06-01T07:31:00.0000001Z")
    scripted.answers["Watch"] = Streams((state, end_of_state("s2"), changes("t1", *old, new)), ())
    async with make_cache(**told.callbacks):
        await until(lambda: len(told.lines) == 2)
    assert told.lines == ["+a", "a 5>6"]


async def test_an_update_of_what_is_gone_by_then_waits_for_its_deletion(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    told = Told()
    blind = updated("c1", twin("a", 2))
    blind.ClearField("digital_twin")
    scripted.answers["Watch"] = Streams((*STATE, changes("t1", blind), changes("t2", deleted("c2", twin("a", 2)))), ())
    async with make_cache(**told.callbacks):
        await until(lambda: len(told.lines) == 3)
    assert told.lines == ["+a", "+b", "-a"]


async def test_with_a_twin_that_leaves_go_the_relationships_that_start_from_it(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    told = Told()
    state = items("s1", twin("a"), twin("b"), relationship("a", "r", "b"))
    scripted.answers["Watch"] = Streams((state, end_of_state("s2"), changes("t1", deleted("c1", twin("a")))), ())
    async with make_cache(relationships=True, **told.callbacks) as cache:
        await until(lambda: len(told.lines) == 5)
        assert cache.incoming_relationships("b") == []
    assert told.lines == ["+a", "+b", "+r", "-r", "-a"]


@pytest.mark.parametrize(("for_this_caller", "told_in_the_end"), [(True, ["-r", "-back", "-a"]), (False, ["-r", "-a"])])
async def test_with_a_twin_that_leaves_go_those_that_point_to_it_if_the_server_says_so(
    scripted: ScriptedServer, make_cache: MakeCache, for_this_caller: bool, told_in_the_end: list[str]
) -> None:
    told = Told()
    state = items("s1", twin("a"), twin("b"), relationship("a", "r", "b"), relationship("b", "back", "a"))
    left = deleted("c1", twin("a"))
    left.incoming_relationships_left = for_this_caller
    scripted.answers["Watch"] = Streams((state, end_of_state("s2"), changes("t1", left)), ())
    async with make_cache(relationships=True, **told.callbacks) as cache:
        await until(lambda: told.lines[-1:] == ["-a"])
        assert [one.id for one in cache.relationships("b")] == ([] if for_this_caller else ["back"])
    assert told.lines[4:] == told_in_the_end


async def test_with_a_relationship_that_is_deleted_goes_no_other_one(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    told = Told()
    state = items("s1", twin("a"), twin("b"), relationship("a", "r", "b"), relationship("b", "back", "a"))
    gone = related("c1", rpcs.CHANGE_KIND_RELATIONSHIP_DELETED, relationship("a", "r", "b"))
    gone.incoming_relationships_left = True
    later = changes("t1", gone, updated("c2", twin("a", 2, n=2)))
    scripted.answers["Watch"] = Streams((state, end_of_state("s2"), later), ())
    async with make_cache(relationships=True, **told.callbacks):
        await until(lambda: "a None>2" in told.lines)
    assert told.lines[4:] == ["-r", "a None>2"]


async def test_what_is_gone_is_told_relationships_first_in_the_order_of_ids(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    told = Told()
    state = items("s1", twin("c"), twin("b"), relationship("c", "r", "b"), relationship("b", "back", "c"))
    left = deleted("c1", twin("c"))
    left.incoming_relationships_left = True
    more = changes("t2", created("c2", twin("a")))
    scripted.answers["Watch"] = Streams(
        (state, end_of_state("s2"), changes("t1", left), more, reset("r1"), end_of_state("r2")), ()
    )
    async with make_cache(relationships=True, **told.callbacks) as cache:
        await until(lambda: not len(cache) and len(told.lines) > 4)
    assert told.lines[4:] == ["-back", "-r", "-c", "+a", "-a", "-b"]


async def test_a_twin_whose_model_leaves_goes_even_if_it_was_seen_with_that_model_before(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    told = Told()
    left = deleted("c1", twin("a", 5), etag="")
    left.ClearField("digital_twin")
    state = items("s1", twin("a", 5, time=LATER), twin("b"))
    scripted.answers["Watch"] = Streams((state, end_of_state("s2"), changes("t1", left)), ())
    async with make_cache(model_ids=[MODEL], **told.callbacks):
        await until(lambda: told.lines == ["+a", "+b", "-a"])


async def test_a_callback_that_fails_is_logged_and_the_cache_goes_on(
    scripted: ScriptedServer, make_cache: MakeCache, caplog: pytest.LogCaptureFixture
) -> None:
    def added(_after: Any) -> None:
        raise RuntimeError("no room")

    scripted.answers["Watch"] = Streams(STATE)
    async with make_cache(added=added) as cache:
        await cache.synced(5)
        assert len(cache) == 2
    assert caplog.text.count("no room") >= 2


async def test_a_callback_sees_what_it_is_told_in_the_cache(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    seen = []
    scripted.answers["Watch"] = Streams(STATE)
    cache: AsyncTwinCache = make_cache(added=lambda after: seen.append(after == cache.get(after.id)))
    async with cache:
        await cache.synced(5)
    assert seen == [True, True]


async def test_nothing_is_read_while_a_callback_runs(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    may_go_on, sent = threading.Event(), []

    def answer(_request: Any, _context: Any) -> Iterator[rpcs.WatchResponse]:
        padding = "x" * 100_000
        for number in range(1000):
            sent.append(number)
            yield items(f"s{number}", twin(f"t{number}", text=padding))
        yield end_of_state("end")

    scripted.answers["Watch"] = answer

    async def slow(_after: Any) -> None:
        while not may_go_on.is_set():
            await asyncio.sleep(0.01)

    is_sync = isinstance(make_cache(), AwaitedCache)
    async with make_cache(added=(lambda _after: may_go_on.wait(20)) if is_sync else slow) as cache:
        await until(lambda: len(sent) > 1)
        before = -1
        while before != len(sent):
            before = len(sent)
            await asyncio.sleep(0.2)
        assert len(sent) < 900
        may_go_on.set()
        await cache.synced(30)
        assert len(cache) == 1000


def test_a_callback_may_close_the_cache(scripted: ScriptedServer) -> None:
    scripted.answers["Watch"] = Streams(STATE)
    scripted.answers["ListModels"] = models({MODEL: ()})
    with TwinfrontClient(scripted.target) as client:
        cache: TwinCache = TwinCache(client, added=lambda _after: cache.close())
        cache.start()
        with pytest.raises(TimeoutError):
            cache.synced(5)
        cache.close()
        assert len(cache) >= 1
