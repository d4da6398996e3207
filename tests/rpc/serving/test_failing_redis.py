"""A Redis that is there and refuses, is late or makes no sense: writes go on, within its bound, and that is counted."""

import asyncio
import contextlib
import itertools
import re
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import hiredis
import pytest
from tests.clock import Clock
from tests.ports import reserved_port

from twinfront_server.outcomes.redis_client import RedisClient
from twinfront_server.outcomes.redis_connection import Answer, RedisConnection
from twinfront_server.outcomes.scripts import SCRIPTS, RedisError
from twinfront_server.settings import Settings

from .echo import eventually
from .redis_process import RedisProcess, ended_write
from .scripted import ScriptedServer, answer_of, begin
from .stream_server import serving

TIMEOUT = 0.3


def sharing(settings: Settings, url: str, **others: Any) -> Settings:
    return settings.changed(**{"outcomes": url, "outcomes_timeout": TIMEOUT} | others)


async def assert_degraded(server: ScriptedServer, says: str) -> None:
    """Writes are done, within the bound together, and repeated ones are known to this process."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    answers = await asyncio.gather(*(server.call(f"degraded {number}") for number in range(20)))
    assert loop.time() - begun < 10 * TIMEOUT
    assert [answer.reason for answer in answers] == [""] * 20
    assert (await server.call("degraded 3")).etag == answers[3].etag
    assert server.store_failures() >= 20
    (warning,) = server.events("the store of outcomes fails")
    assert says in warning["error"] + warning["message"]


async def found_again(server: ScriptedServer) -> None:
    """Writes until the server has found out that it is answered again."""
    for number in itertools.count():
        if server.events("the store of outcomes is back"):
            return
        await server.call(f"knock {number}")
        await asyncio.sleep(0.02)


class TestRedis:
    async def test_one_that_has_become_a_replica_and_is_asked_again_once_it_is_none(
        self, settings: Settings, redis: RedisProcess
    ):
        settings = sharing(settings, redis.url)
        async with ScriptedServer(settings) as first, ScriptedServer(settings) as second:
            assert (await first.call("id")).etag == "run 1"
            redis.command("REPLICAOF", "127.0.0.1", str(reserved_port()))
            await assert_degraded(first, "READONLY")
            redis.command("REPLICAOF", "NO", "ONE")
            await found_again(first)
            assert (await first.call("later")).etag
            assert (await second.call("later")).replayed

    async def test_one_that_has_forgotten_the_scripts_is_told_them_again(self, settings: Settings, redis: RedisProcess):
        settings = sharing(settings, redis.url, outcomes_timeout=5.0)
        async with ScriptedServer(settings) as first, ScriptedServer(settings) as second:
            await first.call("before")
            assert (await second.call("before")).replayed  # so that nothing of it is still to be told
            redis.command("SCRIPT", "FLUSH")
            assert (await first.call("after")).etag == "run 2"
            assert (await second.call("after")).replayed
            assert first.store_failures() == 0

    async def test_one_that_is_slow_but_in_time_is_waited_for(self, settings: Settings, redis: RedisProcess):
        settings = sharing(settings, redis.url, outcomes_timeout=5.0)
        async with ScriptedServer(settings) as first, ScriptedServer(settings) as second:
            await first.call("warm up")
            redis.command("CLIENT", "PAUSE", "300", "ALL")
            await asyncio.gather(*(first.call(f"{number}") for number in range(10)))
            again = await asyncio.gather(*(second.call(f"{number}") for number in range(10)))
            assert all(answer.replayed for answer in again)
            assert first.store_failures() == 0

    async def test_one_that_is_too_slow_is_asked_again_later(self, settings: Settings, redis: RedisProcess):
        settings = sharing(settings, redis.url)
        async with ScriptedServer(settings) as first, ScriptedServer(settings) as second:
            await first.call("warm up")
            redis.command("CLIENT", "PAUSE", "1000", "ALL")
            await assert_degraded(first, "TimeoutError")
            await found_again(first)
            assert (await first.call("later")).etag
            assert (await second.call("later")).replayed

    async def test_how_a_write_ended_is_told_without_a_wait_for_the_answer(
        self, settings: Settings, redis: RedisProcess
    ):
        settings = sharing(settings, redis.url, outcomes_timeout=60.0)
        async with ScriptedServer(settings) as first, ScriptedServer(settings) as second:
            held = await begin(first, "id")
            redis.hang()
            first.servicer.gate.set()
            assert (await answer_of(held)).etag == "run 1"
            redis.go_on()
            assert (await second.call("id")).replayed
            assert first.store_failures() == 0

    async def test_how_a_write_ended_that_cannot_be_told_is_counted(self, settings: Settings, redis: RedisProcess):
        async with ScriptedServer(sharing(settings, redis.url)) as server:
            held = await begin(server, "id")
            redis.hang()
            server.servicer.gate.set()
            assert (await answer_of(held)).etag == "run 1"
            await eventually(lambda: server.store_failures() == 1)
            redis.go_on()

    async def test_an_outcome_of_which_a_part_is_missing_is_unknown(self, settings: Settings, redis: RedisProcess):
        settings = sharing(settings, redis.url, outcomes_timeout=5.0)
        async with ScriptedServer(settings) as first, ScriptedServer(settings) as second:
            for field in ("data", "pushback"):
                await first.call(field)
                redis.command("HDEL", await ended_write(redis), field)
                assert (await second.call(field)).reason == "OUTCOME_UNKNOWN"
                redis.command("FLUSHALL")

    async def test_a_record_without_its_lease_is_a_failure(self, settings: Settings, redis: RedisProcess):
        settings = sharing(settings, redis.url, outcomes_timeout=5.0)
        async with ScriptedServer(settings) as first, ScriptedServer(settings) as second:
            await first.call("id")
            redis.command("HDEL", await ended_write(redis), "type", "since", "lease")
            assert (await second.call("id")).etag == "run 1"
            assert second.store_failures() > 0

    async def test_what_a_server_tells_on_its_way_out_is_kept(self, settings: Settings, redis: RedisProcess):
        settings = sharing(settings, redis.url, outcomes_timeout=5.0)
        async with ScriptedServer(settings) as first:
            await asyncio.gather(*(first.call(f"{number}") for number in range(10)))
        async with ScriptedServer(settings) as second:
            again = await asyncio.gather(*(second.call(f"{number}") for number in range(10)))
            assert [*first.events("the store of outcomes fails"), *second.events("the store of outcomes fails")] == []
            assert [answer.replayed for answer in again] == [True] * 10


Words = list[bytes]


def knows_scripts(words: Words) -> bytes | None:
    """Answers the greeting of a client as Redis does."""
    if words[:2] != [b"SCRIPT", b"LOAD"]:
        return None
    (name,) = [script.name for script in SCRIPTS if script.text.encode() == words[2]]
    return b"$40\r\n" + name + b"\r\n"


@contextlib.asynccontextmanager
async def pretender(answer: Callable[[Words], bytes | None]) -> AsyncIterator[int]:
    """Takes commands, and answers each as it is told to; with None it says nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands = hiredis.Reader()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                commands.feed(data)
                while (words := commands.gets()) is not False:
                    writer.write(answer(words) or b"")
        writer.transport.abort()

    async with serving(serve) as port:
        yield port


class TestOneThatIsNone:
    @pytest.mark.parametrize(
        ("says", "warned"),
        [
            (b"-LOADING Redis is loading the dataset in memory\r\n", "LOADING"),
            (b"-NOAUTH Authentication required.\r\n", "NOAUTH"),
            (b"-MASTERDOWN Link with MASTER is down\r\n", "MASTERDOWN"),
            (b"-\r\n", "refused"),
            (b"+OK\r\n", "no answer"),
            (b"$-1\r\n", "no answer"),
            (b"*-1\r\n", "no answer"),
        ],
    )
    async def test_a_greeting_that_is_refused(self, settings: Settings, says: bytes, warned: str):
        async with (
            pretender(lambda _: says) as port,
            ScriptedServer(sharing(settings, f"redis://127.0.0.1:{port}")) as server,
        ):
            await assert_degraded(server, warned)

    @pytest.mark.parametrize(
        "says",
        [
            b"-LOADING Redis is loading the dataset in memory\r\n",
            b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
            b"-NOSCRIPT No matching script.\r\n",
            b"-NOPERM User front has no permissions to run the 'evalsha' command\r\n",
            b"-MISCONF Redis is configured to save RDB snapshots\r\n",
            b"-TRYAGAIN\r\n",
            b"+OK\r\n",
            b":1\r\n",
            b"$-1\r\n",
            b"*-1\r\n",
            b"*0\r\n",
            b"*1\r\n$5\r\nother\r\n",
            b"*1\r\n$5\r\nended\r\n",
            b"*3\r\n$7\r\npending\r\n$1\r\nx\r\n$3\r\nago\r\n",
            b"*3\r\n$4\r\nleft\r\n$1\r\nx\r\n$-1\r\n",
            b"*1\r\n*1\r\n-ERR\r\n",
            b"*2\r\n-ERR\r\n:1\r\n",
            b"+OK\r\n+OK\r\n",
            b"$1000000000\r\nx",
            b"*1\r\n" * 100,
            b"\x00\xff" * 100,
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"",
        ],
        ids=repr,
    )
    async def test_an_answer_that_is_nonsense(self, settings: Settings, says: bytes):
        def answer(words: Words) -> bytes:
            return knows_scripts(words) or says

        async with (
            pretender(answer) as port,
            ScriptedServer(sharing(settings, f"redis://127.0.0.1:{port}")) as server,
        ):
            await assert_degraded(server, "")

    async def test_an_answer_without_an_end_takes_no_memory(self, settings: Settings):
        def answer(words: Words) -> bytes:
            return knows_scripts(words) or b"$500000000\r\n" + bytes(16 << 20)

        async with (
            pretender(answer) as port,
            ScriptedServer(sharing(settings, f"redis://127.0.0.1:{port}", outcomes_timeout=20.0)) as server,
        ):
            assert (await server.call("id")).etag == "run 1"
            (warning,) = server.events("the store of outcomes fails")
            assert "too large" in warning["message"]

    async def test_a_password_that_it_repeats_is_not_logged(self, settings: Settings):
        def answer(words: Words) -> bytes:
            return b"-ERR unknown command, with args beginning with: " + b" ".join(words)[:50].split(b"\n")[0] + b"\r\n"

        async with (
            pretender(answer) as port,
            ScriptedServer(sharing(settings, f"redis://:secret@127.0.0.1:{port}")) as server,
        ):
            await server.call("id")
            (warning,) = server.events("the store of outcomes fails")
            assert (warning["message"], "secret" in str(server.log)) == ("AUTH is refused: ERR", False)


class TestClient:
    @contextlib.asynccontextmanager
    async def asked(self, settings: Settings, patience: float) -> AsyncIterator[tuple[RedisClient, Answer]]:
        """A client whose first question was refused, and the second one has no answer yet."""
        refusals = iter([b"-READONLY no\r\n"])
        async with pretender(lambda words: knows_scripts(words) or next(refusals, b"")) as port:
            client = RedisClient(sharing(settings, f"redis://127.0.0.1:{port}"), patience)
            connection = await client.connect()
            first, second = connection.ask(b"FIRST"), connection.ask(b"SECOND")
            with pytest.raises(RedisError, match="READONLY"):
                await first
            yield client, second

    async def test_a_connection_that_is_of_no_use_any_more_is_ended_with_the_client(self, settings: Settings):
        async with self.asked(settings, 0.3) as (client, waiting):
            useless = client._connection
            assert useless is not None
            usable = await client.connect()
            assert usable is not useless
            assert not waiting.done()
            await client.close()
            assert isinstance(waiting.exception(), TimeoutError)
            for connection in (useless, usable):
                assert connection.ended.done()
                assert connection._transport is not None
                assert connection._transport.get_extra_info("socket").fileno() == -1

    async def test_a_client_that_is_closed_makes_no_connection(self, settings: Settings):
        async with self.asked(settings, 0.1) as (client, _):
            await client.close()
            with pytest.raises(ConnectionError, match="nothing is asked any more"):
                await client.connect()


class TestConnection:
    """Answers come in the order of the questions, whatever became of those who asked."""

    @contextlib.asynccontextmanager
    async def connected(self, patience: float = 5.0) -> AsyncIterator[tuple[RedisConnection, asyncio.StreamWriter]]:
        taken: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

        async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            taken.put_nowait(writer)

        async with serving(take) as port:
            protocol = partial(RedisConnection, patience)
            transport, connection = await asyncio.get_running_loop().create_connection(protocol, "127.0.0.1", port)
            writer = await taken.get()
            yield connection, writer
            transport.abort()
            writer.transport.abort()

    async def test_an_answer_that_nobody_waits_for_any_more_is_nobody_elses(self):
        async with self.connected() as (connection, writer):
            first, second = connection.ask(b"FIRST"), connection.ask(b"SECOND")
            first.cancel()
            writer.write(b"+first\r\n+second\r\n")
            assert await second == b"second"

    async def test_one_that_is_late_takes_no_time_from_those_asked_after_it(self, clock: Clock):
        async with self.connected(50.0) as (connection, writer):
            first = connection.ask(b"FIRST")
            await clock.advance(30.0)
            second = connection.ask(b"SECOND")
            await clock.advance(20.0)
            with pytest.raises(TimeoutError):
                await first
            assert not connection.is_usable
            assert not second.done()
            writer.write(b"+first\r\n+second\r\n")
            assert await second == b"second"

    @pytest.mark.parametrize("kind", [b"*", b"%", b"~", b">", b"|"])
    @pytest.mark.parametrize("before", [b"", b"*2\r\n", b"*2\r\n*1\r\n:1\r\n", b"*2\r\n$5\r\n*9999\r\n"])
    @pytest.mark.parametrize("at_a_time", [1, 1000])
    async def test_an_answer_that_announces_many_parts_is_too_large_before_there_is_room_for_them(
        self, kind: bytes, before: bytes, at_a_time: int
    ):
        async with self.connected() as (connection, _writer):
            asked = connection.ask(b"CLAIM")
            said = before + kind + b"%d\r\n" % 10**9
            began = time.process_time()
            tracemalloc.start()
            try:
                for start in range(0, len(said), at_a_time):
                    connection.data_received(said[start : start + at_a_time])
                with pytest.raises(RedisError, match="too large"):
                    await asked
                _, most = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert most < 1 << 20
            assert time.process_time() - began < 0.5

    @pytest.mark.parametrize("at_a_time", [1, 7, 1000])
    async def test_texts_may_say_what_announces_many_parts(self, at_a_time: int):
        texts = [b"*1000000000\r\n", b"%*~>|" * 3, b"*12", b"", b"\r\n*2000\r\n"]
        answer = b"*5\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(text), text) for text in texts)
        async with self.connected() as (connection, _writer):
            asked = [connection.ask(b"CLAIM"), connection.ask(b"KEEP"), connection.ask(b"CLAIM")]
            said = answer + b"+kept *9999\r\n" + answer
            for start in range(0, len(said), at_a_time):
                connection.data_received(said[start : start + at_a_time])
            assert await asyncio.gather(*asked) == [texts, b"kept *9999", texts]

    async def test_a_text_full_of_what_announces_many_parts_is_read_in_time_as_it_is_long(self):
        async with self.connected() as (connection, _writer):
            asked = connection.ask(b"CLAIM")
            began = time.process_time()
            connection.data_received(b"$%d\r\n" % (2 << 20))
            for _ in range(16):
                connection.data_received(b"*1234567" * (16 << 10))
            connection.data_received(b"\r\n")
            assert len(await asked) == 2 << 20
            assert time.process_time() - began < 5

    async def test_a_connection_ends_when_all_its_answers_are_late(self):
        async with self.connected(0.1) as (connection, writer):
            asked = [connection.ask(b"ONE"), connection.ask(b"TWO")]
            ends = await asyncio.gather(*asked, return_exceptions=True)
            assert [type(end) for end in ends] == [TimeoutError, TimeoutError]
            await eventually(lambda: writer.transport.is_closing() or connection._transport.is_closing())  # type: ignore[union-attr]  # it has been made

    async def test_what_nobody_waits_for_is_sent_with_what_somebody_waits_for_in_order(self, clock: Clock):
        async with self.connected() as (connection, writer):
            clock.stand_still()
            reader = asyncio.StreamReader()
            writer.transport.set_protocol(asyncio.StreamReaderProtocol(reader))
            connection.tell(b"FIRST")
            connection.tell(b"SECOND")
            await asyncio.sleep(0)
            assert connection._unsent
            connection.ask(b"THIRD")
            sent = await reader.readuntil(b"THIRD\r\n")
            assert re.findall(b"[A-Z]+", sent) == [b"FIRST", b"SECOND", b"THIRD"]

    async def test_what_nobody_waits_for_is_sent_soon_all_the_same(self, clock: Clock):
        async with self.connected() as (connection, writer):
            told = connection.tell(b"FIRST")
            await clock.advance(0.003)
            writer.write(b"+first\r\n")
            assert await told == b"first"
            assert not connection._unsent

    async def test_what_is_still_to_be_sent_when_the_connection_is_to_end_is_sent(self):
        async with self.connected() as (connection, writer):
            told = connection.tell(b"FIRST")
            writer.write(b"+first\r\n")
            await connection.close()
            assert await told == b"first"

    async def test_after_a_refusal_the_others_are_answered_and_nothing_more_is_asked(self):
        async with self.connected() as (connection, writer):
            first, second = connection.ask(b"FIRST"), connection.ask(b"SECOND")
            writer.write(b"-READONLY no\r\n")
            with pytest.raises(RedisError, match="READONLY"):
                await first
            with pytest.raises(ConnectionError):
                await connection.ask(b"THIRD")
            writer.write(b"+second\r\n")
            assert await second == b"second"

    async def test_one_that_takes_nothing_is_given_no_more_than_so_much(self):
        async with self.connected() as (connection, writer):
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
            asked = [connection.ask(b"SET", bytes(1 << 20)) for _ in range(40)]
            ends = await asyncio.gather(*asked, return_exceptions=True)
            assert {type(end) for end in ends} == {ConnectionError}
