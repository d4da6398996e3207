"""A write that is repeated at another replica, which shares its outcomes through Redis, is not done again."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ports import reserved_port

from twinfront_program.startup_error import StartupError
from twinfront_server.errors import TwinfrontError
from twinfront_server.outcomes import encoding
from twinfront_server.outcomes.outcome import KEPT_SECONDS
from twinfront_server.reasons import Reason
from twinfront_server.settings import Settings

from . import redis_process
from .certificates import Authority
from .echo import eventually
from .redis_process import RedisProcess, ended_write
from .scripted import FINAL, NOTHING_DONE, ScriptedServer, abandon, answer_of, begin
from .stream_server import serving

MANUAL = Path(__file__).resolve().parents[3] / "docs/operations.md"


def sharing(settings: Settings, url: str, **others: Any) -> Settings:
    """Has time for Redis on a busy machine."""
    return settings.changed(**{"outcomes": url, "outcomes_timeout": 5.0} | others)


@pytest.fixture
async def replicas(settings: Settings, redis: RedisProcess) -> AsyncIterator[tuple[ScriptedServer, ScriptedServer]]:
    settings = sharing(settings, redis.url)
    async with ScriptedServer(settings) as first, ScriptedServer(settings) as second:
        yield first, second


Replicas = tuple[ScriptedServer, ScriptedServer]


def runs(replicas: Replicas) -> list[int]:
    return [len(replica.servicer.runs) for replica in replicas]


async def test_a_write_repeated_at_another_replica_is_answered_and_not_done_again(replicas: Replicas):
    first, second = [await replica.call("id", digital_twin_id="room") for replica in replicas]
    assert (first.etag, second.etag) == ("run 1room", "run 1room")
    assert [first.replayed, second.replayed] == [False, True]
    assert [replica.replays() for replica in replicas] == [0, 1]
    assert runs(replicas) == [1, 0]


@pytest.mark.parametrize("reason", FINAL)
async def test_an_error_is_told_at_another_replica_as_it_was_at_the_first(replicas: Replicas, reason: Reason):
    error = TwinfrontError(reason, "No ünicode.", metadata={"digital_twin_id": "room"}, retry_after=1.5, pushback_ms=-1)
    replicas[0].servicer.failures.append(error)
    first, second = [await replica.call("id") for replica in replicas]
    assert [first.reason, second.reason] == [reason, reason]
    for trailer in ("grpc-status-details-bin", "grpc-retry-pushback-ms"):
        assert first.trailers[trailer] == second.trailers[trailer]
    assert runs(replicas) == [1, 0]


@pytest.mark.parametrize("reason", NOTHING_DONE)
async def test_a_write_that_was_not_done_is_done_by_the_other_replica(replicas: Replicas, reason: Reason):
    first, second = replicas
    first.servicer.failures.append(TwinfrontError(reason, "Not now."))
    assert (await first.call("id")).reason == reason
    assert (await second.call("id")).etag == "run 1"
    assert second.servicer.runs[0].earlier_attempt is None


async def test_the_same_id_for_another_request_is_refused_at_another_replica(replicas: Replicas):
    first, second = replicas
    await first.call("id", digital_twin_id="a")
    assert (await second.call("id", digital_twin_id="b")).reason == "INVALID_ARGUMENT"
    assert (await second.call("id", digital_twin_id="a")).replayed
    assert runs(replicas) == [1, 0]


async def test_dry_runs_and_writes_without_an_id_are_not_shared(replicas: Replicas, redis: RedisProcess):
    for replica in replicas:
        assert not (await replica.call("id", validate_only=True)).replayed
        assert not (await replica.call("")).replayed
    assert redis.command("DBSIZE") == "0"


async def test_an_outcome_is_shared_for_as_long_as_it_is_kept_here(replicas: Replicas, redis: RedisProcess):
    await replicas[0].call("id")
    name = await ended_write(redis)
    assert KEPT_SECONDS - 60 < int(redis.command("TTL", name)) <= KEPT_SECONDS


async def test_nothing_of_callers_and_ids_is_legible_in_redis(replicas: Replicas, redis: RedisProcess):
    await replicas[0].call("a secret id")
    name = await ended_write(redis)
    assert "secret" not in name + redis.command("HGETALL", name)
    assert len(name) < 100


async def test_of_an_outcome_too_large_to_be_shared_it_is_known_that_there_was_one(
    replicas: Replicas, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(encoding, "MAX_ENCODED_BYTES", 1000)
    first, second = replicas
    assert (await first.call("id", digital_twin_id="x" * 2000)).etag
    assert (await second.call("id", digital_twin_id="x" * 2000)).reason == "OUTCOME_UNKNOWN"
    assert (await first.call("id", digital_twin_id="x" * 2000)).replayed
    assert runs(replicas) == [1, 0]


@pytest.mark.parametrize(("field", "value"), [("type", "twinfront.v9.Unknown"), ("data", "\u00ff"), ("type", "x")])
async def test_an_outcome_that_cannot_be_read_is_unknown(
    replicas: Replicas, redis: RedisProcess, field: str, value: str
):
    first, second = replicas
    first.servicer.failures.append(TwinfrontError(Reason.TWIN_NOT_FOUND, "No."))
    await first.call("id")
    redis.command("HSET", await ended_write(redis), field, value)
    assert (await second.call("id")).reason == "OUTCOME_UNKNOWN"
    assert runs(replicas) == [1, 0]


async def test_a_replica_is_connected_before_its_first_write(settings: Settings, redis: RedisProcess):
    async with ScriptedServer(sharing(settings, redis.url)) as server:
        await eventually(lambda: "cmd=script" in redis.command("CLIENT", "LIST"))
        assert server.store_failures() == 0


class TestAtTheSameTime:
    async def test_a_duplicate_at_another_replica_waits_for_the_first(self, replicas: Replicas):
        first, second = replicas
        held = await begin(first, "id")
        duplicates = [second.start("id") for _ in range(3)]
        await eventually(lambda: second.outcomes._running)
        await asyncio.sleep(0.1)
        first.servicer.gate.set()
        answers = [await answer_of(call) for call in (held, *duplicates)]
        assert {answer.etag for answer in answers} == {"run 1"}
        assert [answer.replayed for answer in answers] == [False, True, True, True]
        assert runs(replicas) == [1, 0]

    async def test_a_duplicate_at_another_replica_goes_on_when_the_first_did_nothing(self, replicas: Replicas):
        first, second = replicas
        held = await begin(first, "id")
        duplicate = second.start("id")
        await eventually(lambda: second.outcomes._running)
        first.servicer.failures.append(TwinfrontError(Reason.UPSTREAM_UNAVAILABLE, "Not now."))
        first.servicer.gate.set()
        assert (await answer_of(held)).reason == "UPSTREAM_UNAVAILABLE"
        assert (await answer_of(duplicate)).etag == "run 1"

    async def test_another_request_under_the_id_is_refused_at_once(self, replicas: Replicas):
        first, second = replicas
        held = await begin(first, "id", digital_twin_id="a")
        assert (await second.call("id", digital_twin_id="b")).reason == "INVALID_ARGUMENT"
        first.servicer.gate.set()
        assert (await answer_of(held)).etag == "run 1a"

    async def test_the_duplicates_own_deadline_holds_and_says_what_to_do(self, replicas: Replicas):
        first, second = replicas
        held = await begin(first, "id")
        duplicate = second.start("id", timeout=0.5)
        answer = await answer_of(duplicate)
        assert answer.reason == "DEADLINE_EXCEEDED"
        first.servicer.gate.set()
        assert (await answer_of(held)).etag == "run 1"
        assert (await second.call("id")).etag == "run 1"

    async def test_many_replicas_do_a_write_once(self, settings: Settings, redis: RedisProcess):
        async with contextlib.AsyncExitStack() as stack:
            settings = sharing(settings, redis.url)
            servers = [await stack.enter_async_context(ScriptedServer(settings)) for _ in range(4)]
            for number in range(20):
                answers = await asyncio.gather(*(server.call(f"{number}") for server in servers))
                assert len({answer.etag for answer in answers}) == 1
                assert [answer.replayed for answer in answers].count(False) == 1
            assert sum(len(server.servicer.runs) for server in servers) == 20


class TestLeases:
    async def test_a_write_that_takes_longer_than_a_lease_is_still_its_replicas(
        self, replicas: Replicas, redis: RedisProcess
    ):
        first, second = replicas
        held = await begin(first, "id")
        name = redis.command("KEYS", "*")
        before = int(redis.command("HGET", name, "lease"))
        duplicate = second.start("id")
        await eventually(lambda: int(redis.command("HGET", name, "lease")) > before)
        first.servicer.gate.set()
        assert [(await answer_of(call)).etag for call in (held, duplicate)] == ["run 1", "run 1"]
        assert runs(replicas) == [1, 0]

    async def test_a_write_whose_replica_is_gone_is_taken_over_as_one_that_may_have_been_applied(
        self, replicas: Replicas, redis: RedisProcess
    ):
        first, second = replicas
        await abandon(await begin(first, "id"))
        first.store._renewing.cancel()  # type: ignore[attr-defined]  # as if its process had been killed
        await asyncio.sleep(0.2)
        name = redis.command("KEYS", "*")
        redis.command("HSET", name, "lease", "0")
        assert (await second.call("id")).etag == "run 1"
        earlier = second.servicer.runs[0].earlier_attempt
        assert earlier is not None
        assert 0.2 <= earlier < 30
        first.servicer.gate.set()

    @pytest.mark.parametrize("reason", NOTHING_DONE)
    async def test_a_write_that_is_taken_over_in_vain_stays_one_that_may_have_been_applied(
        self, replicas: Replicas, redis: RedisProcess, reason: Reason
    ):
        first, second = replicas
        await abandon(await begin(first, "id"))
        first.store._renewing.cancel()  # type: ignore[attr-defined]  # as if its process had been killed
        name = redis.command("KEYS", "*")
        redis.command("HSET", name, "lease", "0")
        second.servicer.failures.append(TwinfrontError(reason, "Not now."))
        assert (await second.call("id")).reason == reason
        async with ScriptedServer(second.settings) as third:
            assert (await third.call("id")).etag == "run 1"
            assert third.servicer.runs[0].earlier_attempt is not None
        first.servicer.gate.set()

    async def test_the_outcome_that_is_told_first_stays(self, replicas: Replicas, redis: RedisProcess):
        first, second = replicas
        await abandon(await begin(first, "id"))
        redis.command("HSET", redis.command("KEYS", "*"), "lease", "0")
        assert (await second.call("id", digital_twin_id="")).etag == "run 1"
        first.servicer.gate.set()
        await first.outcomes.idle()
        async with ScriptedServer(first.settings) as third:
            assert (await third.call("id")).replayed


class TestAccess:
    """Redis asks who calls."""

    async def test_a_user_needs_no_more_than_the_manual_says(self, settings: Settings, tmp_path: Path):
        redis = redis_process.start(tmp_path)
        rules = re.search(r"`(~twinfront:outcome:\* [^`]+)`", MANUAL.read_text())
        assert rules
        redis.command("ACL", "SETUSER", "front", "on", ">p@ss", *rules[1].split())
        settings = sharing(settings, f"redis://front:p%40ss@127.0.0.1:{redis.port}")
        async with ScriptedServer(settings) as first, ScriptedServer(settings) as second:
            assert (await first.call("id")).etag == (await second.call("id")).etag == "run 1"
            first.servicer.failures.append(TwinfrontError(Reason.UPSTREAM_UNAVAILABLE, "Not now."))
            assert (await first.call("other")).reason == "UPSTREAM_UNAVAILABLE"
            assert first.store_failures() == second.store_failures() == 0
        redis.end()

    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    @pytest.fixture
    def encrypted(self, tmp_path: Path, authority: Authority) -> Iterator[RedisProcess]:
        issued = authority.issue()
        words = ["--tls-cert-file", issued.cert, "--tls-key-file", issued.key, "--tls-ca-cert-file", authority.cert]
        process = redis_process.start(tmp_path, *map(str, words), scheme="rediss")
        yield process
        process.end()

    async def test_redis_over_mtls(self, settings: Settings, encrypted: RedisProcess, authority: Authority):
        mine = authority.issue("front")
        files = {"outcomes_ca": authority.cert, "outcomes_cert": mine.cert, "outcomes_key": mine.key}
        settings = sharing(settings, encrypted.url, **{name: str(path) for name, path in files.items()})
        async with ScriptedServer(settings) as first, ScriptedServer(settings) as second:
            assert (await first.call("id")).etag == (await second.call("id")).etag == "run 1"
            assert first.store_failures() == second.store_failures() == 0

    @pytest.mark.parametrize("known", [False, True])
    async def test_a_redis_that_is_not_known_is_told_nothing(
        self, settings: Settings, encrypted: RedisProcess, authority: Authority, known: bool
    ):
        """With `known` its authority is, but it does not know the caller, who has no certificate."""
        ca = {"outcomes_ca": str(authority.cert)} if known else {}
        async with ScriptedServer(sharing(settings, encrypted.url, **ca)) as server:
            assert (await server.call("id")).etag == "run 1"
            assert server.store_failures() > 0

    async def test_a_certificate_that_cannot_be_read_ends_the_start(self, settings: Settings):
        settings = sharing(settings, "rediss://cache", outcomes_ca="/nowhere/ca.pem")
        with pytest.raises(StartupError, match=r"--outcomes-ca: /nowhere/ca\.pem cannot be read"):
            async with ScriptedServer(settings):
                """Never gets here."""


class TestWithoutRedis:
    """Writes go on as if there were no other replica; that is counted, and told once."""

    async def assert_degraded(self, server: ScriptedServer, at_most: float) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        answers = [await server.call(f"{number}") for number in range(20)]
        assert loop.time() - begun < at_most
        assert [answer.reason for answer in answers] == [""] * 20
        assert (await server.call("3")).etag == answers[3].etag
        assert server.store_failures() >= 20
        (warning,) = server.events("the store of outcomes fails")
        assert "secret" not in str(warning)

    async def test_one_that_is_down(self, settings: Settings):
        port = reserved_port()
        async with ScriptedServer(sharing(settings, f"redis://user:secret@127.0.0.1:{port}")) as server:
            await self.assert_degraded(server, 5)

    async def test_one_that_cannot_be_found(self, settings: Settings):
        async with ScriptedServer(sharing(settings, "redis://:secret@nowhere.invalid")) as server:
            await self.assert_degraded(server, 15)

    async def test_one_that_hangs_costs_one_call_a_second_its_time(self, settings: Settings, redis: RedisProcess):
        async with ScriptedServer(sharing(settings, redis.url, outcomes_timeout=0.1)) as server:
            await server.call("warm up")
            redis.hang()
            await self.assert_degraded(server, 5)
            redis.go_on()

    async def test_one_that_takes_connections_and_says_nothing(self, settings: Settings):
        async with (
            silent(b"") as port,
            ScriptedServer(sharing(settings, f"redis://127.0.0.1:{port}", outcomes_timeout=0.1)) as server,
        ):
            await self.assert_degraded(server, 5)

    @pytest.mark.parametrize(
        "says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\xff" * 100, b"*3\r\n", b"+OK\r\n" * 9]
    )
    async def test_one_that_is_none(self, settings: Settings, says: bytes):
        async with (
            silent(says) as port,
            ScriptedServer(sharing(settings, f"redis://127.0.0.1:{port}", outcomes_timeout=0.2)) as server,
        ):
            for number in range(5):
                assert (await server.call(f"{number}")).etag == f"run {number + 1}"
            assert server.store_failures() > 0

    async def test_one_that_wants_another_password(self, settings: Settings, tmp_path: Path):
        redis = redis_process.start(tmp_path, "--requirepass", "other")
        async with ScriptedServer(sharing(settings, f"redis://:secret@127.0.0.1:{redis.port}")) as server:
            await self.assert_degraded(server, 5)
        redis.end()

    async def test_one_whose_memory_is_used_up(self, settings: Settings, tmp_path: Path):
        redis = redis_process.start(tmp_path, "--maxmemory", "1", "--maxmemory-policy", "noeviction")
        async with ScriptedServer(sharing(settings, redis.url)) as server:
            await self.assert_degraded(server, 5)
        redis.end()

    async def test_one_that_is_part_of_a_cluster_and_has_not_the_slots(self, settings: Settings, tmp_path: Path):
        redis = redis_process.start(tmp_path, "--cluster-enabled", "yes")
        async with ScriptedServer(sharing(settings, redis.url)) as server:
            await self.assert_degraded(server, 5)
        redis.end()

    async def test_one_in_which_another_program_uses_the_name(self, replicas: Replicas, redis: RedisProcess):
        first, second = replicas
        await first.call("id")
        redis.command("SET", await ended_write(redis), "something else")
        assert (await second.call("id")).etag == "run 1"
        assert second.store_failures() > 0

    async def test_one_that_comes_back_is_used_again(self, settings: Settings, redis: RedisProcess):
        settings = sharing(settings, redis.url)
        async with ScriptedServer(settings) as first, ScriptedServer(settings) as second:
            await first.call("before")
            redis.end()
            assert (await first.call("meanwhile")).etag == "run 2"
            redis.start()
            await asyncio.sleep(1.1)
            assert (await first.call("after")).etag == "run 3"
            assert (await second.call("after")).replayed
            assert first.events("the store of outcomes is back")
            assert len(first.events("the store of outcomes fails")) == 1

    async def test_a_replica_that_was_waited_for_is_remembered(self, replicas: Replicas, redis: RedisProcess):
        first, second = replicas
        held = await begin(first, "id")
        duplicate = second.start("id")
        await eventually(lambda: second.outcomes._running)
        await asyncio.sleep(0.2)
        redis.end()
        assert (await answer_of(duplicate)).etag == "run 1"
        assert second.servicer.runs[0].earlier_attempt is not None
        first.servicer.gate.set()
        assert (await answer_of(held)).etag == "run 1"


@contextlib.asynccontextmanager
async def silent(says: bytes) -> AsyncIterator[int]:
    """Takes connections, says something on each, and answers nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    async with serving(serve) as port:
        yield port
