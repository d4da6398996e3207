"""No hostile request holds the event loop up, in which all others are served: what takes long is done on a thread."""

import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from ..rpc.serving.process import ServedProcess, start
from . import watched_server
from .conftest import furnish
from .documents import SIZE, as_new
from .shapes import Shape
from .test_requests import SHAPES, send

HELD_SECONDS = 0.05
TRIES = 3
"""A collection of garbage, or a page fault on a busy machine, is not the request's doing."""


class WatchedServer:
    """A server, and for how long the steps of its event loop held it, as far as that is worth a note."""

    def __init__(self, served: ServedProcess, held: Path) -> None:
        self.served = served
        self._held = held

    def longest(self, channel: grpc.Channel, shape: Shape) -> float:
        """The longest step while a request was answered, in seconds of the loop's thread."""
        before = self._held.stat().st_size
        send(channel, shape, as_new(shape.make(SIZE)))
        return max(map(float, self._held.read_text()[before:].split()), default=0.0)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedServer]:
    folder = tmp_path_factory.mktemp("watched")
    command = (sys.executable, watched_server.__file__, str(folder / "held"))
    served = start(folder, [], {"LOCALTWINS_MAX_MODELS": "1000000"}, command)
    try:
        furnish(served.address)
        yield WatchedServer(served, folder / "held")
        served.signal()
        served.exit_code()
    finally:
        served.end()


@pytest.fixture(scope="module")
def channel(watched: WatchedServer) -> Iterator[grpc.Channel]:
    options = [("grpc.max_receive_message_length", 32 << 20), ("grpc.enable_retries", 0)]
    with grpc.insecure_channel(watched.served.address, options) as channel:
        yield channel


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_hostile_request_leaves_the_event_loop_to_others(watched: WatchedServer, channel: grpc.Channel, shape: Shape):
    assert any(watched.longest(channel, shape) <= HELD_SECONDS for _ in range(TRIES))
