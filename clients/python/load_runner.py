"""Reads and writes all the time until its input ends, and prints what came of it.

What it does and what its lines have is told in clients/scenarios/README.md.
"""

import argparse
import itertools
import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from twinfront import DigitalTwin, TlsConfig, TwinfrontClient, TwinfrontError, patch

_MODEL_ID: Final = "dtmi:rolling:Counter;1"
_TWINS: Final = 4
"""Each has a writer of its own, and a reader."""
_IMPORTED_TWINS: Final = 100
"""All of them have one more caller, who imports them together."""
_READS_PER_STREAM: Final = 10
_REPORT_SECONDS: Final = 0.1


def main() -> None:
    """Runs the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("address", "prefix", "ca", "server-name", "token"):
        parser.add_argument(f"--{name}")
    options = parser.parse_args()
    tls = TlsConfig(options.ca, server_name=options.server_name) if options.ca else False
    token = (lambda: Path(options.token).read_text().strip()) if options.token else None
    with TwinfrontClient(options.address, tls=tls, token=token) as client:
        twin_ids = [f"{options.prefix}-{number}" for number in range(_TWINS)]
        load = Load(client, twin_ids, [f"{options.prefix}-import-{number}" for number in range(_IMPORTED_TWINS)])
        load.start()
        until_input_ends = threading.Thread(target=sys.stdin.read, daemon=True)
        until_input_ends.start()
        while until_input_ends.is_alive():
            print(json.dumps({"calls": load.calls}), flush=True)
            until_input_ends.join(_REPORT_SECONDS)
        load.stop()
        print(json.dumps({"calls": load.calls, "failures": load.failures, "acknowledged": load.acknowledged}))


class Load:
    """Callers on one client: for each twin one that writes it, and one that reads; one more imports others.

    Attributes:
        calls: how many calls succeeded.
        failures: how many others ended with which text.
        acknowledged: by twin, the last total that its writer was told is written; of those that are imported, by the
            last one.
    """

    def __init__(self, client: TwinfrontClient, twin_ids: list[str], imported: list[str]) -> None:
        self.calls = 0
        self.failures: Counter[str] = Counter()
        self.acknowledged: dict[str, int] = {}
        self._client = client
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._callers = [
            threading.Thread(target=call, args=(each,)) for each in twin_ids for call in (self._write, self._read)
        ]
        self._callers.append(threading.Thread(target=self._import, args=(imported,)))

    def start(self) -> None:
        """Has all call from here on."""
        for caller in self._callers:
            caller.start()

    def stop(self) -> None:
        """Returns when no call is under way any more."""
        self._stopped.set()
        for caller in self._callers:
            caller.join()

    def _write(self, twin_id: str) -> None:
        """Counts up until a write fails, each time under the etag of the last: one done twice would be refused."""
        twin = DigitalTwin(model_id=_MODEL_ID, properties={"total": 0})
        with self._failure_noted():
            etag = self._client.create_or_replace_digital_twin(twin_id, twin, if_none_match=True).etag
            for total in itertools.count():
                self._succeeded()
                self.acknowledged[twin_id] = total
                if self._stopped.is_set():
                    return
                step = patch().replace("/total", total + 1)
                etag = self._client.update_digital_twin(twin_id, step, if_match=etag)

    def _import(self, twin_ids: list[str]) -> None:
        """Imports the twins again and again, with a greater total each time, until an import fails."""
        with self._failure_noted():
            for total in itertools.count():
                if self._stopped.is_set():
                    return
                twins = [DigitalTwin(id=each, model_id=_MODEL_ID, properties={"total": total}) for each in twin_ids]
                for result in self._client.import_graph(twins).run().results:
                    if result.error is not None:
                        raise result.error
                self._succeeded()
                self.acknowledged[twin_ids[-1]] = total

    def _read(self, twin_id: str) -> None:
        for number in itertools.count():
            if self._stopped.is_set():
                return
            with self._failure_noted():
                if number % _READS_PER_STREAM == 0:
                    list(self._client.stream_query("SELECT * FROM digitaltwins"))
                elif number % 2 and twin_id in self.acknowledged:
                    self._client.get_digital_twin(twin_id)
                else:
                    list(self._client.list_models())
                self._succeeded()

    def _succeeded(self) -> None:
        with self._lock:
            self.calls += 1

    @contextmanager
    def _failure_noted(self) -> Iterator[None]:
        try:
            yield
        except TwinfrontError as error:
            with self._lock:
                self.failures[f"{error.code.name}: {error}"] += 1


if __name__ == "__main__":
    main()
