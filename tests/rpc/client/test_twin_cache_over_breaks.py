"""Caches of digital twins whose streams end, whose changes are lost, or that are closed."""

import asyncio
from typing import Any

import grpc
import pytest

from twinfront import ChangesUnsupportedError, PermissionDeniedError, UnauthenticatedError
from twinfront.v1 import change_service_pb2 as rpcs

from .scripted_caches import SPECIAL, STATE, MakeCache, Told, models, until
from .scripted_changes import (
    BROKEN,
    DRAINING,
    MODEL,
    NOT_READ,
    Streams,
    changes,
    created,
    deleted,
    end_of_state,
    items,
    reset,
    twin,
    updated,
)
from .scripted_server import ScriptedServer, failing


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


async def test_a_client_that_is_closed_ends_the_cache(scripted: ScriptedServer, make_cache: MakeCache) -> None:
    scripted.answers["Watch"] = Streams(STATE)
    async with make_cache() as cache:
        await cache.synced(5)
        client: Any = cache._client  # the one that it was given
        closed = client.close()
        if asyncio.iscoroutine(closed):
            await closed
        await until(lambda: cache.error is not None)
