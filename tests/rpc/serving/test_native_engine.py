"""The native engine alone: what it refuses at the start, and what is put right of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from twinfront_program.address import Address
from twinfront_program.startup_error import StartupError
from twinfront_server.server import NATIVE_VERSION, require_engine
from twinfront_server.settings import Settings

from .certificates import Authority
from .echo import EchoServer, eventually, outcome
from .process import ServedProcess, run, wait_until
from .test_floods import METHODS, flood

Serve = Callable[..., ServedProcess]

STREAMS = 40
"""More than the default executor of an event loop has threads."""


@pytest.fixture
async def echo(settings: Settings) -> AsyncIterator[EchoServer]:
    async with EchoServer(settings.changed(engine="native")) as echo:
        yield echo


def refusal(*words: str, **variables: str) -> str:
    """Starts a server that must not start; returns what it says."""
    ended = run("serve", "--listen=127.0.0.1:0", "--data-dir=:memory:", "--engine=native", *words, **variables)
    assert ended.returncode != 0
    return ended.stderr


@pytest.mark.parametrize("flag", ["--max-connection-age", "--max-connection-age-grace"])
def test_the_native_engine_refuses_an_age_of_connections(flag: str):
    assert f"--engine native ends no connection for its age: {flag} is for --engine grpcio" in refusal(f"{flag}=60s")


def test_the_native_engine_refuses_tls(tmp_path: Path):
    issued = Authority(tmp_path).issue()
    said = refusal(f"--tls-cert={issued.cert}", f"--tls-key={issued.key}")
    assert "--engine native has no TLS: leave --tls-cert to --engine grpcio, or to a proxy in front" in said


def test_the_native_engine_refuses_a_second_port_with_the_tls_that_it_needs(tmp_path: Path):
    issued = Authority(tmp_path).issue()
    mtls = [f"--tls-cert={issued.cert}", f"--tls-key={issued.key}", f"--tls-client-ca={issued.cert}"]
    jwt = ["--auth=jwt,mtls", "--jwt-issuer=https://issuer.example", "--jwt-audience=api", "--mtls-listen=127.0.0.1:0"]
    assert "--engine native has no TLS" in refusal(*mtls, *jwt)


def test_the_native_engine_needs_beyond_loopback_the_word_that_a_listener_in_the_clear_needs():
    assert "allow it with --insecure" in refusal("--listen=0.0.0.0:0", "--auth=none")


def test_a_native_engine_beyond_loopback_is_told_of_as_one_that_holds_requests_whole(serve: Serve):
    served = serve("--engine=native", "--listen=0.0.0.0:0", "--insecure", "--auth=none")
    wait_until(lambda: '"serving"' in served.log())
    assert "--engine native inflates a request and holds it whole" in served.log()
    served = serve("--engine=native")
    wait_until(lambda: '"serving"' in served.log())
    assert "--engine native" not in served.log()


def test_a_folder_for_temporary_files_that_has_no_room_for_a_socket_is_named(tmp_path: Path):
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    assert "--engine native needs a socket in the folder for temporary files (TMPDIR)" in refusal(TMPDIR=str(deep))


def test_an_engine_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(StartupError, match=r"--engine native is not installed: pip install 'twinfront\[native\]'"):
        require_engine(Settings(engine="native"))
    require_engine(Settings(engine="grpcio"))


def test_an_engine_of_a_version_that_nobody_has_looked_at_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(metadata, "version", lambda _: "0.6.0")
    with pytest.raises(StartupError, match=f"takes pygrpc-native {NATIVE_VERSION} alone, and 0.6.0 is installed"):
        require_engine(Settings(engine="native"))


async def test_callers_who_do_not_read_hold_no_thread(echo: EchoServer):
    floods = [echo.start("Flood", "one") for _ in range(STREAMS)]
    await eventually(lambda: len(waiting_to_send()) == STREAMS)
    async with asyncio.timeout(10):
        assert await asyncio.to_thread(lambda: "a thread is free") == "a thread is free"
    for call in floods:
        call.cancel()
    await echo.chain.in_flight.idle()
    assert waiting_to_send() == []


def waiting_to_send() -> list[Any]:
    """The calls of which a message waits for the caller to read on."""
    waiting = []
    for task in asyncio.all_tasks():
        coroutine: Any = task.get_coro()
        while coroutine is not None and getattr(coroutine, "__name__", "") != "_send":
            coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "ag_await", None)
        waiting += [] if coroutine is None else [coroutine]
    return waiting


async def test_a_reader_that_was_slow_gets_all_in_order(echo: EchoServer):
    call = echo.start("Flood", "one")
    await eventually(lambda: len(waiting_to_send()) == 1)
    for _ in range(5_000):
        assert len(await call.read()) > 10_000
    call.cancel()
    await echo.chain.in_flight.idle()


async def test_calls_that_are_cancelled_as_soon_as_they_are_sent_are_forgotten(echo: EchoServer):
    await asyncio.to_thread(flood, Address.parse(echo.address).port, ["/test.Echo/Unary", *METHODS[:1]])
    await eventually(lambda: not echo.server._calls)  # type: ignore[attr-defined]  # the engine's own
    await echo.chain.in_flight.idle()


async def test_a_call_that_the_engine_cannot_answer_is_not_waited_for_for_ever(
    echo: EchoServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("twinfront_server.call.Call.trailing_metadata", lambda _: (("grpc-retry-pushback-ms", "1"),))
    ended = await echo.call("Unary", "one", timeout=10)
    assert (ended.code.name, ended.details) == ("INTERNAL", "The server failed.")


async def test_the_thread_of_the_engine_is_gone_when_it_has_stopped(settings: Settings):
    before = set(threading.enumerate())
    async with EchoServer(settings.changed(engine="native")) as echo:
        await echo.call("Unary", "one")
        assert "pygrpc-native-dispatch" in {thread.name for thread in set(threading.enumerate()) - before}
    assert "pygrpc-native-dispatch" not in {thread.name for thread in set(threading.enumerate()) - before}


async def test_a_stop_with_a_grace_can_be_cut_short(settings: Settings):
    async with EchoServer(settings.changed(engine="native")) as echo:
        hanging = echo.start("Unary", "hang")
        await echo.servicer.entered.wait()
        stopping = asyncio.ensure_future(echo.server.stop(60))
        await asyncio.sleep(0.1)
        assert (await outcome(echo.start("ServerStream", "one"))).words == ["one", "one"], "it still serves"
        assert not stopping.done()
        async with asyncio.timeout(10):
            await echo.server.stop(None)
            await stopping
        assert (await hanging.code()).name in {"UNAVAILABLE", "CANCELLED"}
