"""Ending on a signal, also where the event loop knows none, as on Windows."""

import asyncio
import signal
from pathlib import Path

import pytest

from localtwins.serve import serve
from localtwins.settings import Settings
from twinfront_program.log import library_logger


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
