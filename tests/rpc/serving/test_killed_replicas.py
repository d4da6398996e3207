"""Servers that are killed and stopped at random under writers: each write is done once, and nobody meets one's own.

`TWINFRONT_REPLICA_KILLS` says how many servers lose their life.
"""

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from twinfront import (
    DigitalTwin,
    OutcomeUnknownError,
    TwinfrontClient,
    TwinfrontError,
    patch,
)

from . import redis_process
from .process import ServedProcess, wait_until
from .redis_process import RedisProcess
from .upstream import UpstreamProcess

Serve = Callable[..., ServedProcess]

KILLS: Final = int(os.environ.get("TWINFRONT_REPLICA_KILLS", "6"))
REPLICAS: Final = 3
WRITERS: Final = 6
MODEL: Final = {
    "@id": "dtmi:killed:Counter;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "total", "schema": "long"}],
}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """Keeps what it was told through a restart."""
    process = redis_process.start(tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    yield process
    process.end()


@dataclass
class Writer:
    """Writes to twins of its own, each write under the etag of the one before: one done twice would be refused.

    Attributes:
        acknowledged: by twin, the last total that it was told is written; None once it was told that it is deleted.
        unknown: how many writes it was told of that nobody knows how they ended; it looked then.
        failures: all other errors, such as conflicts with a write of its own.
        done: how many writes it was told are done.
    """

    client: TwinfrontClient
    name: str
    stop: threading.Event
    acknowledged: dict[str, int | None] = field(default_factory=dict)
    unknown: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    done: int = 0

    def run(self) -> None:
        for life in range(1_000_000):
            if self.stop.is_set():
                return
            twin_id = f"{self.name}-{life}"
            try:
                self._live(twin_id)
            except TwinfrontError as error:
                self.failures[f"{type(error).__name__}: {error}"] += 1

    def _live(self, twin_id: str) -> None:
        """Creates a twin, counts up in it, and deletes it unless it is to stop."""
        twin = DigitalTwin(model_id="dtmi:killed:Counter;1", properties={"total": 0})
        etag = self._told(
            lambda: self.client.create_or_replace_digital_twin(twin_id, twin, if_none_match=True).etag, twin_id, 0
        )
        self.acknowledged[twin_id] = 0
        for total in range(1, 30):
            if self.stop.is_set():
                return
            step = patch().replace("/total", total)
            condition = etag

            def write(step: object = step, condition: str = condition) -> str:
                return self.client.update_digital_twin(twin_id, step, if_match=condition)  # type: ignore[arg-type]

            etag = self._told(write, twin_id, total)
            self.acknowledged[twin_id] = total
        with contextlib.suppress(OutcomeUnknownError):
            self.client.delete_digital_twin(twin_id, if_match=etag)
            self.acknowledged[twin_id] = None
            self.done += 1
            return
        self.unknown += 1
        del self.acknowledged[twin_id]

    def _told(self, write: Callable[[], str], twin_id: str, total: int) -> str:
        """Writes until it is known to be done, and gives the etag."""
        while True:
            try:
                etag = write()
            except OutcomeUnknownError:
                self.unknown += 1
                time.sleep(0.5)
                found = self._found(twin_id)
                if found is None or found["total"] != total:
                    continue
                etag = found.etag
            self.done += 1
            return etag

    def _found(self, twin_id: str) -> DigitalTwin | None:
        with contextlib.suppress(TwinfrontError):
            return self.client.get_digital_twin(twin_id)
        return None


@pytest.mark.grpcio_engine("a list of addresses, which C-core makes its :authority of, is taken for a host")
@pytest.mark.timeout(120 + 30 * KILLS)
def test_no_write_is_lost_or_done_twice_and_nobody_meets_ones_own(
    serve: Serve, upstream_over_tls: UpstreamProcess, redis: RedisProcess
) -> None:
    words = [
        *upstream_over_tls.words,
        f"--outcomes={redis.url}",
        "--outcomes-timeout=5s",
        "--drain-grace=10s",
        "--log-level=warning",
    ]
    served = [serve(*words) for _ in range(REPLICAS)]
    target = "ipv4:" + ",".join(each.address for each in served)
    rng = random.Random(KILLS)
    stop = threading.Event()
    with TwinfrontClient(target, wait_for_ready=True) as client:
        client.create_models([MODEL])
        writers = [Writer(client, f"counter-{number}", stop) for number in range(WRITERS)]
        threads = [threading.Thread(target=writer.run) for writer in writers]
        for thread in threads:
            thread.start()
        try:
            for number in range(KILLS):
                goes_on(writers)
                victim = rng.randrange(REPLICAS)
                old = served[victim]
                old.signal(signal.SIGKILL if number % 3 else signal.SIGTERM)
                old.process.wait(30)
                served[victim] = serve(*words, f"--listen={old.address}")
                if number % 4 == 3:
                    goes_on(writers)
                    redis.end()
                    redis.start()
                    time.sleep(1.5)  # all replicas have found it again
            goes_on(writers)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert sum((writer.failures for writer in writers), Counter()) == {}
        found = {row["$dtId"]: row["total"] for row in client.query("SELECT * FROM digitaltwins")}
    acknowledged = {twin_id: total for writer in writers for twin_id, total in writer.acknowledged.items()}
    assert {twin_id: found.get(twin_id) for twin_id in acknowledged} == acknowledged


def goes_on(writers: list[Writer]) -> None:
    """Returns when every writer has written some more."""
    aims = [(writer, writer.done + 10) for writer in writers]
    wait_until(lambda: all(writer.done >= aim for writer, aim in aims), 60)
