"""Servers before one upstream that are stopped and started one after the other, under load: callers notice nothing."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Self

import pytest

from twinfront import DigitalTwin, TwinfrontClient, TwinfrontError, patch

from .process import ServedProcess, wait_until
from .upstream import UpstreamProcess, start

Serve = Callable[..., ServedProcess]

SERVERS: Final = 3
WRITERS: Final = 8
READERS: Final = 8
MODEL: Final = {
    "@id": "dtmi:rolling:Counter;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "total", "schema": "long"}],
}


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[UpstreamProcess]:
    process = start(tmp_path, tls=True)
    yield process
    process.end()


class Load:
    """Callers on one client, who read and write all the time.

    Attributes:
        failures: how calls failed.
        acknowledged: by twin, the last total that its only writer was told is written.
        calls: how many calls succeeded.
    """

    def __init__(self, client: TwinfrontClient) -> None:
        self.failures: Counter[str] = Counter()
        self.acknowledged: dict[str, int] = {}
        self.calls = 0
        self._client = client
        self._done = threading.Event()
        self._lock = threading.Lock()
        writers = [threading.Thread(target=self._write, args=(f"counter-{number}",)) for number in range(WRITERS)]
        self._threads = [*writers, *(threading.Thread(target=self._read) for _ in range(READERS))]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _write(self, name: str) -> None:
        """Counts up, one by one and under the etag of the write before, so that one done twice would be refused."""
        twin = DigitalTwin(model_id=MODEL["@id"], properties={"total": 0})
        etag = self._counted(lambda: self._client.create_or_replace_digital_twin(name, twin, if_none_match=True).etag)
        total = 0
        while etag is not None and not self._done.is_set():
            step, last = patch().replace("/total", total + 1), etag
            etag = self._counted(lambda: self._client.update_digital_twin(name, step, if_match=last))  # noqa: B023  (it is called at once)
            total += etag is not None
            self.acknowledged[name] = total

    def _read(self) -> None:
        streamed = "SELECT * FROM digitaltwins"
        while not self._done.is_set():
            if random.random() < 0.1:
                self._counted(lambda: list(self._client.stream_query(streamed)))
            else:
                self._counted(lambda: list(self._client.list_models()))

    def _counted(self, call: Callable[[], object]) -> object:
        try:
            answer = call()
        except TwinfrontError as error:
            self.failures[str(error)] += 1
            return None
        with self._lock:
            self.calls += 1
        return answer


def test_a_rolling_restart_fails_no_call_and_loses_no_write(serve: Serve, upstream: UpstreamProcess) -> None:
    words = [*upstream.words, "--drain-grace=10s"]
    served = [serve(*words) for _ in range(SERVERS)]
    target = "ipv4:" + ",".join(each.address for each in served)
    with TwinfrontClient(target) as client:
        client.create_models([MODEL])
        with Load(client) as load:
            for number in range(SERVERS):
                before = load.calls
                wait_until(lambda before=before: load.calls > before + 100)
                served[number].signal()
                assert served[number].exit_code() == 0
                served[number] = serve(*words, f"--listen={served[number].address}")
                wait_until(lambda new=served[number]: "UpdateDigitalTwin" in new.log())
        totals = {name: client.get_digital_twin(name)["total"] for name in load.acknowledged}
    assert load.failures == {}
    assert totals == load.acknowledged
