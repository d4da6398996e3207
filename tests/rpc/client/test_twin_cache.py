"""The cache of digital twins: that it shows what the service has, and tells each change of it once."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from twinfront import (
    AsyncTwinCache,
    AsyncTwinfrontClient,
    ChangesUnsupportedError,
    DigitalTwin,
    PermissionDeniedError,
    Relationship,
    TwinCache,
    TwinfrontClient,
    UnauthenticatedError,
)
from twinfront.v1 import change_service_pb2 as rpcs
from twinfront.v1.model_service_pb2 import ListModelsRequest, ListModelsResponse

from .awaited import Awaited, AwaitedCache
from .scripted_changes import (
    BROKEN,
    DRAINING,
    MODEL,
    NOT_READ,
    Streams,
    changes,
    checkpoint,
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

MakeCache = Callable[..., AsyncTwinCache]

SPECIAL = "dtmi:example:MeetingRoom;1"
LATER = "2026-06-01T07:31:00.0000000Z"
STATE = (items("s1", twin("a", n=1), twin("b", n=2)), end_of_state("s2"))


@pytest.fixture
def make_cache(scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient) -> MakeCache:
    """Makes a cache of either client."""
    scripted.answers["ListModels"] = models({MODEL: (), SPECIAL: (MODEL,)})

    def make(**arguments: Any) -> AsyncTwinCache:
        if isinstance(scripted_client, Awaited):
            made: Any = AwaitedCache(scripted_client, **arguments)
            return made
        return AsyncTwinCache(scripted_client, **arguments)

    return make


async def saved_when_synced(make_cache: MakeCache, **arguments: Any) -> bytes:
    """What a cache saves that has ended."""
    async with make_cache(**arguments) as cache:
        await cache.synced(5)
    return cache.save()


def models(bases: dict[str, tuple[str, ...]]) -> Callable[..., ListModelsResponse]:
    """Answers with models that extend others; one that is not among them is not found."""

    def answer(request: ListModelsRequest, context: grpc.ServicerContext) -> ListModelsResponse:
        if not set(request.dependencies_for) <= bases.keys():
            failing(grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND")(request, context)
        response = ListModelsResponse()
        for model_id, extends in bases.items():
            definition = {"@id": model_id, "@type": "Interface", "extends": list(extends)}
            response.models.add(json=json.dumps({"id": model_id, "model": definition}).encode())
        return response

    return answer


class Told:
    """What callbacks are told, as `+a`, `a 1>2` and `-a`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.callbacks: dict[str, Any] = {"added": self._added, "changed": self._changed, "removed": self._removed}

    def _added(self, after: DigitalTwin | Relationship) -> None:
        self.lines.append(f"+{after.id}")

    def _changed(self, before: DigitalTwin | Relationship, after: DigitalTwin | Relationship) -> None:
        self.lines.append(f"{after.id} {before.get('n')}>{after.get('n')}")

    def _removed(self, before: DigitalTwin | Relationship) -> None:
        self.lines.append(f"-{before.id}")


async def until(holds: Callable[[], bool]) -> None:
    """Waits for what has to come."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


def saved(cache: AsyncTwinCache) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(cache.save())
    return state


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


@pytest.mark.parametrize("ends", [DRAINING, NOT_READ, BROKEN, None])
async def test_a_cache_goes_on_where_its_stream_ends(
    scripted: ScriptedServer, make_cache: MakeCache, ends: Any
) -> None:
    told = Told()
    end = [ends] if ends else []
    scripted.answers["Watch"] = Streams(
        (STATE[0], *end),
        (STATE[1], *end),
        (changes("t1", updated("c1", twin("a", 2, n=5))), *end),
        (changes("t2", updated("c1", twin("a", 2, n=5)), updated("c2", twin("a", 3, n=6))), *end),
    )
    async with make_cache(**told.callbacks) as cache:
        await until(lambda: told.lines[-1:] == ["a 5>6"])
        await cache.synced(5)
    assert told.lines == ["+a", "+b", "a 1>5", "a 5>6"]
    tokens = [request.resume_token for request in scripted.requests if isinstance(request, rpcs.WatchRequest)]
    assert tokens[:4] == ["", "s1", "s2", "t1"]


async def test_a_cache_goes_on_for_as_long_as_it_takes(
    scripted: ScriptedServer, make_cache: MakeCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twinfront._retry.LONGEST_PAUSE", 0.001)
    scripted.answers["Watch"] = Streams(STATE, *[(BROKEN,)] * 30, (changes("t1", updated("c1", twin("a", 2, n=5))),))
    told = Told()
    async with make_cache(**told.callbacks) as cache:
        await until(lambda: told.lines[-1:] == ["a 1>5"])
        assert cache.error is None


async def test_an_error_is_shown_while_it_lasts(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    scripted.answers["Watch"] = failing(grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    async with make_cache() as cache:
        await until(lambda: cache.error is not None)
        assert "RATE_LIMITED" in str(cache.error)
        scripted.answers["Watch"] = Streams(STATE)
        await cache.synced(10)
        assert cache.error is None


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (failing(grpc.StatusCode.UNIMPLEMENTED, "CHANGES_UNSUPPORTED"), ChangesUnsupportedError),
        (failing(grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"), PermissionDeniedError),
        (failing(grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_INVALID"), UnauthenticatedError),
    ],
)
async def test_a_cache_that_cannot_be_followed_ends_and_says_why(
    scripted: ScriptedServer,
    make_cache: MakeCache,
    caplog: pytest.LogCaptureFixture,
    refusal: Any,
    error: type[Exception],
) -> None:
    scripted.answers["Watch"] = refusal
    async with make_cache() as cache:
        with pytest.raises(error):
            await cache.synced(5)
        assert isinstance(cache.error, error)
    assert len(scripted.requests) == 1
    assert "a cache of digital twins has ended" in caplog.text


async def test_credentials_that_were_good_once_are_tried_again(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    expired = failing(grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_INVALID")
    scripted.answers["Watch"] = Streams((*STATE, expired), (changes("t1", deleted("c1", twin("a"))),))
    async with make_cache() as cache:
        await until(lambda: "b" in cache and "a" not in cache)


async def test_behind_a_reset_only_what_is_another_is_told(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    told = Told()
    anew = (reset("r1"), items("r2", twin("a", n=1)), items("r3", twin("c", n=3)), end_of_state("r4"))
    scripted.answers["Watch"] = Streams((*STATE, *anew), ())
    async with make_cache(**told.callbacks) as cache:
        await until(lambda: len(told.lines) == 4)
        assert [one.id for one in cache.list()] == ["a", "c"]
    assert told.lines == ["+a", "+b", "+c", "-b"]


async def test_a_state_that_is_told_anew_goes_on_over_a_break(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    told = Told()
    scripted.answers["Watch"] = Streams(
        (*STATE, reset("r1"), items("r2", twin("a", n=1)), BROKEN), (items("r3", twin("b", 2, n=9)), end_of_state("r4"))
    )
    async with make_cache(**told.callbacks) as cache:
        await until(lambda: len(told.lines) == 3)
        assert len(cache) == 2
    assert told.lines == ["+a", "+b", "b 2>9"]


async def test_what_is_created_while_the_state_is_told_is_part_of_it(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    told = Told()
    scripted.answers["Watch"] = Streams(
        (items("s1", twin("b", n=1)), changes("s2", created("c1", twin("a", n=1))), end_of_state("s3")), ()
    )
    async with make_cache(**told.callbacks) as cache:
        await cache.synced(5)
        assert [one.id for one in cache.list()] == ["a", "b"]
    assert told.lines == ["+b", "+a"]


async def test_what_was_created_before_the_state_begins_anew_and_is_not_in_it_is_gone(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    told = Told()
    anew = (reset("r2"), items("r3", twin("a", n=1)), end_of_state("r4"))
    scripted.answers["Watch"] = Streams((*STATE, reset("r1"), changes("c", created("c1", twin("c"))), *anew), ())
    async with make_cache(**told.callbacks) as cache:
        await until(lambda: told.lines == ["+a", "+b", "+c", "-b", "-c"])
        assert [one.id for one in cache.list()] == ["a"]


async def test_behind_a_reset_a_model_may_be_another_one(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    told = Told()
    state = (items("s1", twin("a", model_id=SPECIAL)), end_of_state("s2"))
    streams = Streams(state, ())
    scripted.answers["Watch"] = streams
    async with make_cache(**told.callbacks) as cache:
        await cache.synced(5)
        assert len(cache.list(model_id=MODEL)) == 1
        scripted.answers["ListModels"] = models({SPECIAL: ()})
        streams.send(reset("r1"))
        streams.send(items("r2", twin("a", 2, model_id=SPECIAL)))
        await until(lambda: len(told.lines) == 2)
        assert cache.list(model_id=MODEL) == []
        assert len(cache.list(model_id=SPECIAL)) == 1


async def test_a_token_that_is_no_longer_good_has_the_state_read_anew(
    scripted: ScriptedServer, make_cache: MakeCache
) -> None:
    told = Told()
    scripted.answers["Watch"] = Streams(
        (*STATE, failing(grpc.StatusCode.INVALID_ARGUMENT, "RESUME_TOKEN_INVALID")),
        (items("s1", twin("a", n=1)), end_of_state("s2")),
    )
    async with make_cache(**told.callbacks) as cache:
        await until(lambda: told.lines == ["+a", "+b", "-b"])
        assert len(cache) == 1


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


def newest(time: str) -> Callable[..., rpcs.GetChangeLogResponse]:
    def answer(_request: Any, _context: grpc.ServicerContext) -> rpcs.GetChangeLogResponse:
        response = rpcs.GetChangeLogResponse(newest_token="n")
        if time:
            response.newest_time.FromJsonString(time)
        return response

    return answer


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


async def test_closing_a_cache_ends_it_wherever_it_is(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    scripted.answers["Watch"] = Streams(STATE)
    async with asyncio.timeout(5):
        async with make_cache() as cache:
            await cache.synced(5)
        async with make_cache():
            pass
        scripted.answers["Watch"] = BROKEN
        async with make_cache():
            await asyncio.sleep(0.2)


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


async def test_a_client_that_is_closed_ends_the_cache(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    scripted.answers["Watch"] = Streams(STATE)
    async with make_cache() as cache:
        await cache.synced(5)
        client: Any = cache._client  # the one that it was given
        closed = client.close()
        if asyncio.iscoroutine(closed):
            await closed
        await until(lambda: cache.error is not None)
