"""An event loop that stands still: the log says what holds it up, and a probe hears that the process is not alive."""

import asyncio
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable

import pytest

from twinfront_server.app import App
from twinfront_server.settings import Settings

STALL_SECONDS = 0.5
PATIENCE = 20.0


def wait_in_c(until: Callable[[], bool]) -> None:
    while not until():
        time.sleep(0.05)


def work_in_python(until: Callable[[], bool]) -> None:
    while not until():
        sum(range(1000))


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[App]:
    async with App(settings.changed(max_stall_time=STALL_SECONDS)) as server:
        yield server


class Probe(threading.Thread):
    """Asks for a path until the answer has a status, as a program beside the server does."""

    def __init__(self, server: App, path: str, status: int) -> None:
        super().__init__()
        self._url = f"http://{server.metrics_address}{path}"
        self._status = status
        self.heard = False

    def run(self) -> None:
        end = time.monotonic() + PATIENCE
        while not self.heard and time.monotonic() < end:
            self.heard = self._ask() == self._status
            time.sleep(0.02)

    def _ask(self) -> int:
        try:
            with urllib.request.urlopen(self._url, timeout=PATIENCE) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def is_over(self) -> bool:
        return self.heard or not self.is_alive()


async def heard(server: App, path: str, status: int) -> bool:
    """Tells whether a probe hears a status while the event loop goes on."""
    probe = Probe(server, path, status)
    probe.start()
    await asyncio.to_thread(probe.join)
    return probe.heard


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
@pytest.mark.parametrize("stall", [wait_in_c, work_in_python])
async def test_a_probe_hears_of_a_stall_while_it_lasts_and_of_its_end(
    server: App, path: str, stall: Callable[[Callable[[], bool]], None]
):
    assert await heard(server, path, 200)
    probe = Probe(server, path, 503)
    probe.start()
    stall(probe.is_over)
    assert probe.heard
    assert await heard(server, path, 200)


async def test_a_stall_is_logged_once_with_the_stack_of_what_holds_the_loop(
    server: App, capsys: pytest.CaptureFixture[str]
):
    end = time.monotonic() + 5 * STALL_SECONDS
    wait_in_c(lambda: time.monotonic() > end)
    assert await heard(server, "/livez", 200)
    said = capsys.readouterr()
    lines = [line for line in (said.out + said.err).splitlines() if "the event loop stalls" in line]
    assert len(lines) == 1
    assert "wait_in_c" in said.out + said.err
    assert server.metrics.registry.get_sample_value("twinfront_event_loop_stalls_total") == 1


async def test_a_loop_that_is_busy_for_less_has_not_stalled(server: App):
    for _ in range(10):
        end = time.monotonic() + STALL_SECONDS / 5
        work_in_python(lambda: time.monotonic() > end)  # noqa: B023  (it is over before there is another end)
        await asyncio.sleep(STALL_SECONDS / 10)
    assert server.metrics.registry.get_sample_value("twinfront_event_loop_stalls_total") == 0


async def test_a_server_that_is_not_ready_is_alive(server: App):
    server._health.report(healthy=False)
    assert await heard(server, "/readyz", 503)
    assert await heard(server, "/livez", 200)
