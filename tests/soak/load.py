"""Callers for a soak, in a process of their own: `python -m tests.soak.load TARGET CA TOKEN SECONDS FILE`.

Each writer counts up on a twin that nobody else writes, so that what it was told is written can be held against what is
there at any time. What was seen goes to the file as JSON.
"""

import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from twinfront import DigitalTwin, EtagMismatchError, TlsConfig, TwinfrontClient, TwinfrontError, patch

MODEL: Final = {
    "@id": "dtmi:soak:Counter;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "total", "schema": "long"}],
}
WRITERS: Final = 4
READERS: Final = 4
_PATIENCE_SECONDS: Final = 120.0


@dataclass
class Seen:
    """What the callers of one process saw.

    Attributes:
        calls: how many were answered.
        errors: how others ended, by code and reason.
        reads: when each read of a twin began, from the start, and the seconds that it took.
        acknowledged: by twin, the last total that its writer was told is written.
        problems: what must not be, in words.
    """

    calls: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    reads: list[tuple[float, float]] = field(default_factory=list)
    acknowledged: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class Callers:
    """Writers and readers on one client."""

    def __init__(self, client: TwinfrontClient, seconds: float) -> None:
        self.seen = Seen()
        self._client = client
        self._began = time.monotonic()
        self._end = self._began + seconds
        self._lock = threading.Lock()

    def run(self) -> Seen:
        names = [f"counter-{number}" for number in range(WRITERS)]
        threads = [threading.Thread(target=self._write, args=(name,)) for name in names]
        threads += [threading.Thread(target=self._read) for _ in range(READERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.seen

    def _write(self, name: str) -> None:
        etag = self._begin(name)
        while time.monotonic() < self._end:
            total = self.seen.acknowledged[name]
            try:
                with self._counted():
                    etag = self._client.update_digital_twin(name, patch().replace("/total", total + 1), if_match=etag)
                self.seen.acknowledged[name] = total + 1
            except TwinfrontError as error:
                etag, found = self._read_again(name)
                # What was not answered, or not yet when it was looked for, is written or it is not.
                if found not in {total, total + 1}:
                    self.seen.problems.append(f"{name} is at {found} after {total} was written, and {error} came")
                if isinstance(error, EtagMismatchError) and found == total:
                    self.seen.problems.append(f"{name} met another etag, but nobody wrote after {total}")
                self.seen.acknowledged[name] = found

    def _begin(self, name: str) -> str:
        twin = DigitalTwin(model_id="dtmi:soak:Counter;1", properties={"total": 0})
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                with self._counted():
                    etag = self._client.create_or_replace_digital_twin(name, twin).etag
            except TwinfrontError:
                if time.monotonic() > end:
                    raise
            else:
                self.seen.acknowledged[name] = 0
                return etag

    def _read_again(self, name: str) -> tuple[str, int]:
        """Reads a twin for as long as it takes."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                with self._counted():
                    twin = self._client.get_digital_twin(name)
            except TwinfrontError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
            else:
                return twin.etag, int(str(twin["total"]))

    def _read(self) -> None:
        while time.monotonic() < self._end:
            names = list(self.seen.acknowledged)
            try:
                with self._counted():
                    if random.random() < 0.1 or not names:
                        list(self._client.stream_query("SELECT * FROM digitaltwins WHERE $dtId >= 'counter'"))
                    else:
                        self._read_one(random.choice(names))
            except TwinfrontError:
                time.sleep(0.05)

    def _read_one(self, name: str) -> None:
        written, began = self.seen.acknowledged[name], time.monotonic()
        found = int(str(self._client.get_digital_twin(name)["total"]))
        self.seen.reads.append((began - self._began, time.monotonic() - began))
        if found < written:
            self.seen.problems.append(f"{name} was read at {found} after {written} was written")

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except TwinfrontError as error:
            ended, errors = f"{error.code.name} {error.reason or '(none)'}", self.seen.errors
            with self._lock:
                errors[ended] = errors.get(ended, 0) + 1
            raise
        with self._lock:
            self.seen.calls += 1


def main(target: str, ca: str, token: str, seconds: str, file: str) -> None:
    tls = TlsConfig(ca=Path(ca).read_bytes(), server_name="localhost")
    with TwinfrontClient(target, tls=tls, token=Path(token).read_text) as client:
        seen = Callers(client, float(seconds)).run()
    Path(file).write_text(json.dumps(asdict(seen)))


if __name__ == "__main__":
    main(*sys.argv[1:])
