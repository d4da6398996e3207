"""Servers before one upstream that are stopped and started one after the other, under load: callers notice nothing."""

import functools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Self

from twinfront import DigitalTwin, TwinfrontClient, TwinfrontError, patch

from .process import ServedProcess, wait_until
from .upstream import UpstreamProcess

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

    def goes_on(self) -> None:
        """Returns after a hundred more calls."""
        wanted = self.calls + 100
        wait_until(lambda: self.calls > wanted)

    def _write(self, name: str) -> None:
        """Counts up, one by one and under the etag of the write before, so that one done twice would be refused."""
        twin = DigitalTwin(model_id="dtmi:rolling:Counter;1", properties={"total": 0})
        with self._counted():
            etag = self._client.create_or_replace_digital_twin(name, twin, if_none_match=True).etag
            self.acknowledged[name] = 0
        while name in self.acknowledged and not self._done.is_set():
            step = patch().replace("/total", self.acknowledged[name] + 1)
            with self._counted():
                etag = self._client.update_digital_twin(name, step, if_match=etag)
                self.acknowledged[name] += 1

    def _read(self) -> None:
        while not self._done.is_set():
            with self._counted():
                if random.random() < 0.1:
                    list(self._client.stream_query("SELECT * FROM digitaltwins"))
                else:
                    list(self._client.list_models())

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except TwinfrontError as error:
            self.failures[str(error)] += 1
        else:
            with self._lock:
                self.calls += 1


def test_a_rolling_restart_fails_no_call_and_loses_no_write(serve: Serve, upstream_over_tls: UpstreamProcess) -> None:
    words = [*upstream_over_tls.words, "--drain-grace=10s"]
    served = [serve(*words) for _ in range(SERVERS)]
    target = "ipv4:" + ",".join(each.address for each in served)
    with TwinfrontClient(target) as client:
        client.create_models([MODEL])
        with Load(client) as load:
            for number, old in enumerate(served):
                load.goes_on()
                old.signal()
                assert old.exit_code() == 0
                served[number] = serve(*words, f"--listen={old.address}")
                wait_until(functools.partial(has_calls, served[number]))
            load.goes_on()
        totals = {name: client.get_digital_twin(name)["total"] for name in load.acknowledged}
    assert load.failures == {}
    assert totals == load.acknowledged


def has_calls(served: ServedProcess) -> bool:
    return "UpdateDigitalTwin" in served.log()
