"""Servers before one upstream that are stopped and started one after the other, under load: callers notice nothing.

`TWINFRONT_ROLLING_CALLS` says how many calls each client makes at the least.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from tests.rpc.serving import process, redis_process, upstream
from tests.rpc.serving.process import ServedProcess, wait_until

from twinfront import TwinfrontClient

from .languages import LANGUAGES, Language
from .load_process import MODEL, LoadProcess, imported_twins

CALLS: Final = int(os.environ.get("TWINFRONT_ROLLING_CALLS", "400"))
SERVERS: Final = 3
LOG: Final = logging.getLogger(__name__)

pytestmark = pytest.mark.timeout(1800)  # a client may have to be built first


@dataclass
class Servers:
    """Servers that share one upstream and the outcomes of writes.

    Attributes:
        served: the servers, each on an address of its own, which it keeps.
    """

    folder: Path
    words: list[str]
    served: list[ServedProcess]

    @property
    def target(self) -> str:
        return "ipv4:" + ",".join(each.address for each in self.served)

    def start(self, *words: str) -> ServedProcess:
        folder = self.folder / f"served-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        return process.start(folder, [*self.words, *words], {})

    def restart(self, number: int, *words: str) -> ServedProcess:
        """Stops a server, which lets the calls in flight end, and starts another in its place."""
        old = self.served[number]
        old.signal()
        assert old.exit_code() == 0
        self.served[number] = self.start(f"--listen={old.address}", *words)
        return self.served[number]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    behind = tmp_path_factory.mktemp("behind")
    localtwins = upstream.start(behind, tls=True)
    redis = redis_process.start(behind)
    words = [*localtwins.words, f"--outcomes={redis.url}", "--drain-grace=10s"]
    servers = Servers(tmp_path_factory.mktemp("servers"), words, [])
    try:
        servers.served += [servers.start() for _ in range(SERVERS)]
        with TwinfrontClient(servers.target) as client:
            client.create_models([MODEL])
        yield servers
    finally:
        for each in servers.served:
            each.end()
        redis.end()
        localtwins.end()


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_a_rolling_restart_fails_no_call_and_loses_no_write(built: Language, servers: Servers, tmp_path: Path) -> None:
    prefix = f"rolling-{built.name}"
    words = ["--address", servers.target, "--prefix", prefix]
    with LoadProcess(built, words, tmp_path) as load:
        for number in range(SERVERS):
            goes_on(load)
            started = servers.restart(number)
            wait_until(lambda started=started: "UpdateDigitalTwin" in started.log())  # type: ignore[misc]  # mypy infers no default
        goes_on(load)
        outcome = load.stop()
    imported = imported_twins(prefix)
    acknowledged = outcome.acknowledged | dict.fromkeys(imported, outcome.acknowledged[imported[-1]])
    with TwinfrontClient(servers.target) as client:
        totals = {twin_id: client.get_digital_twin(twin_id)["total"] for twin_id in acknowledged}
    LOG.info("%s: %d calls, failed: %s, written: %s", built.name, outcome.calls, outcome.failures, outcome.acknowledged)
    assert outcome.failures == {}
    assert totals == acknowledged


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_a_server_that_says_that_it_stops_is_sent_no_more_calls(
    built: Language, servers: Servers, tmp_path: Path
) -> None:
    stopping = servers.restart(0, "--drain-delay=10m")

    def is_left_alone() -> bool:
        before = stopping.log().count("DigitalTwinService/")
        load.goes_on(60, seconds=20)
        return stopping.log().count("DigitalTwinService/") == before

    with LoadProcess(built, ["--address", servers.target, "--prefix", f"leaving-{built.name}"], tmp_path) as load:
        wait_until(lambda: "UpdateDigitalTwin" in stopping.log())
        assert not is_left_alone()
        stopping.signal()
        wait_until(is_left_alone)
        assert stopping.process.poll() is None
        outcome = load.stop()
    servers.restart(0)  # a second signal ends it at once
    assert outcome.failures == {}


def goes_on(load: LoadProcess) -> None:
    """Returns after a part of all calls: one comes before each restart, and one after the last."""
    load.goes_on(CALLS // (SERVERS + 1), seconds=20 + CALLS / 50)
