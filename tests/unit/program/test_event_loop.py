"""A socket that was made a connection of: whatever becomes of it, its descriptor is closed once."""

import asyncio
import contextlib
import gc
import os
import socket
import ssl
import struct
import sys
from collections.abc import Iterator

import aiohttp
import pytest

from twinfront_program.event_loop import new_event_loop


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        yield runner


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def reset(accepted: socket.socket) -> None:
    """Ends a connection in the way that the other side sees as "reset by peer"."""
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    accepted.close()


async def connected_socket(listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    loop = asyncio.get_running_loop()
    mine = socket.socket()
    mine.setblocking(False)
    await loop.sock_connect(mine, listener.getsockname())
    theirs, _ = await loop.sock_accept(listener)
    return mine, theirs


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not to be had there")
def test_the_event_loop_is_uvloop(runner: asyncio.Runner) -> None:
    assert "uvloop" in {base.__module__ for base in type(runner.get_loop()).__mro__}


def test_a_connection_that_was_reset_before_tls_began_leaves_its_number_to_others(
    runner: asyncio.Runner, listener: socket.socket
) -> None:
    async def run() -> None:
        mine, theirs = await connected_socket(listener)
        reset(theirs)
        await asyncio.sleep(0.05)  # the reset is here before the first byte of TLS leaves
        with pytest.raises(OSError, match="reset"):
            await asyncio.get_running_loop().create_connection(
                asyncio.Protocol, sock=mine, ssl=ssl.create_default_context(), server_hostname="upstream"
            )
        assert mine.fileno() == -1
        with socket.socket() as other:
            del mine
            await asyncio.sleep(0)
            gc.collect()
            assert is_open(other.fileno())

    runner.run(run())


def test_a_handshake_that_is_given_up_leaves_its_number_to_others(
    runner: asyncio.Runner, listener: socket.socket
) -> None:
    async def run() -> None:
        mine, theirs = await connected_socket(listener)
        with theirs, contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await asyncio.get_running_loop().create_connection(
                    asyncio.Protocol, sock=mine, ssl=ssl.create_default_context(), server_hostname="upstream"
                )
        assert mine.fileno() == -1

    runner.run(run())


def test_a_connection_that_is_made_works_and_is_closed_once(runner: asyncio.Runner, listener: socket.socket) -> None:
    async def run() -> bytes:
        mine, theirs = await connected_socket(listener)
        descriptor = mine.fileno()
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: asyncio.StreamReaderProtocol(reader), sock=mine
        )
        transport.write(b"ping")
        got = await asyncio.get_running_loop().sock_recv(theirs, 10)
        transport.close()
        theirs.close()
        await asyncio.sleep(0.05)
        assert not is_open(descriptor)
        return got

    assert runner.run(run()) == b"ping"


def test_requests_to_a_peer_that_resets_fail_as_errors_of_the_connection(
    runner: asyncio.Runner, listener: socket.socket
) -> None:
    """With aiohttp, as the SDKs use it; the connections that are open beside them stay what they are."""

    async def run() -> None:
        loop = asyncio.get_running_loop()

        async def reset_all() -> None:
            while True:
                accepted, _ = await loop.sock_accept(listener)
                reset(accepted)

        resetting = asyncio.create_task(reset_all())
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"

        async def ask(session: aiohttp.ClientSession) -> None:
            for _ in range(20):
                with pytest.raises(aiohttp.ClientConnectorError):
                    await session.get(url)

        with contextlib.ExitStack() as opened:
            beside = [opened.enter_context(each) for _ in range(20) for each in socket.socketpair()]
            async with aiohttp.ClientSession() as session:
                await asyncio.gather(*(ask(session) for _ in range(8)))
            gc.collect()
            assert all(is_open(each.fileno()) for each in beside)
        resetting.cancel()

    runner.run(run())
