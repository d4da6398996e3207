"""Signals: those that end a server, also where the event loop knows none, as on Windows; and SIGHUP."""

import asyncio
import os
import pty
import signal
from pathlib import Path

import pytest

from localtwins.serve import serve
from localtwins.settings import Settings
from twinfront_program.log import library_logger

from .serving import start


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_server_where_the_event_loop_handles_none(
    tmp_path: Path, signum: signal.Signals, monkeypatch: pytest.MonkeyPatch
):
    def not_implemented(*_arguments: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(type(asyncio.get_running_loop()), "add_signal_handler", not_implemented)
    before = signal.getsignal(signum)
    announced: list[str] = []

    def announce(line: str) -> None:
        announced.append(line)
        if len(announced) == 1:
            signal.raise_signal(signum)

    settings = Settings(listen="127.0.0.1:0", data_dir=str(tmp_path), http=True)
    await asyncio.wait_for(serve(settings, announce, library_logger(__name__)), 20)
    assert announced[1:] == ["localtwins stops"]
    assert signal.getsignal(signum) is before


async def test_a_server_without_a_terminal_goes_on_after_a_hangup_and_says_so(tmp_path: Path):
    server = await start(f"--data-dir={tmp_path}", "--http", stderr=asyncio.subprocess.PIPE)
    assert server.process.stderr
    server.process.send_signal(signal.SIGHUP)
    told = await asyncio.wait_for(server.process.stderr.readline(), 20)
    assert b"SIGHUP changes nothing" in told
    assert await server.stop() == 0


async def test_a_server_whose_terminal_is_closed_stops(tmp_path: Path):
    terminal, of_the_server = pty.openpty()
    try:
        server = await start(f"--data-dir={tmp_path}", "--http", stdin=of_the_server)
        assert await server.stop(signal.SIGHUP) == 0
    finally:
        os.close(terminal)
        os.close(of_the_server)
