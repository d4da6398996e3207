"""Callers for a soak, in a process of their own: `python -m tests.soak.load TARGET CA TOKEN SECONDS FILE`.

Each writer counts up on a twin that nobody else writes, so that what it was told is written can be held against what is
there at any time. What was seen goes to the file as JSON.
"""

import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeVar

from twinfront import (
    Delete,
    DigitalTwin,
    EtagMismatchError,
    ImportResult,
    Relationship,
    TlsConfig,
    TwinfrontClient,
    TwinfrontError,
    WriteResult,
    patch,
)

MODEL: Final = {
    "@id": "dtmi:soak:Counter;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "total", "schema": "long"},
        {"@type": "Relationship", "name": "next"},
    ],
}
WRITERS: Final = 4
READERS: Final = 4
PARTS: Final = 50
"""How many twins a graph has that is imported and deleted again and again."""

_PATIENCE_SECONDS: Final = 120.0
_PAUSE_SECONDS: Final = 0.1

Answer = TypeVar("Answer")


@dataclass
class Seen:
    """Keeps what callers saw.

    Attributes:
        calls: how many were answered.
        errors: how many others ended for which reason, or with which code where there is none.
        examples: the text of the first error for each of these reasons.
        reads: when each read of a twin began, from the start, and the seconds that it took.
        acknowledged: by twin, the last total that its writer was told is written.
        problems: what must not be, in words.
    """

    calls: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    reads: list[tuple[float, float]] = field(default_factory=list)
    acknowledged: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def failed(self, reason: str, text: str, times: int = 1) -> None:
        """Counts calls that failed."""
        self.errors[reason] = self.errors.get(reason, 0) + times
        self.examples.setdefault(reason, text)


def patiently(call: Callable[[], Answer]) -> Answer:
    """Calls until it succeeds, for as long as faults may take."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return call()
        except TwinfrontError:
            if time.monotonic() > end:
                raise
            time.sleep(_PAUSE_SECONDS)


class Callers:
    """Writers, readers, and one that imports, on one client."""

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
        threads.append(threading.Thread(target=self._import))
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

        def create() -> str:
            with self._counted():
                return self._client.create_or_replace_digital_twin(name, twin).etag

        etag = patiently(create)
        self.seen.acknowledged[name] = 0
        return etag

    def _read_again(self, name: str) -> tuple[str, int]:
        def read() -> DigitalTwin:
            with self._counted():
                return self._client.get_digital_twin(name)

        twin = patiently(read)
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

    def _import(self) -> None:
        names = [f"part-{number}" for number in range(PARTS)]
        twins = [DigitalTwin(id=name, model_id="dtmi:soak:Counter;1", properties={"total": 0}) for name in names]
        edges = [Relationship(id="next", source_id=one, target_id=other, name="next") for one, other in pairwise(names)]
        while time.monotonic() < self._end:
            with suppress(TwinfrontError):
                self._import_once(names, [*twins, *edges])

    def _import_once(self, names: list[str], graph: list[DigitalTwin | Relationship]) -> None:
        """Imports a graph, reads it in a batch and as an export, and deletes it in a batch."""
        with self._counted():
            _raise_first(self._client.import_graph(graph).run().results)
        with self._counted():
            missing = self._client.batch_get_digital_twins(names).missing
        if missing:
            self.seen.problems.append(f"{len(missing)} twins are missing that were imported, such as {missing[0]}")
        with self._counted():
            query = "SELECT * FROM digitaltwins WHERE STARTSWITH($dtId, 'part-')"
            exported = b"".join(self._client.export_graph_text(query, exclude_models=True))
        if (edges := exported.count(b"$relationshipId")) != len(graph) - len(names):
            self.seen.problems.append(f"{edges} relationships were exported, and {len(graph) - len(names)} imported")
        with self._counted():
            _raise_first(
                self._client.batch_write_digital_twins([Delete(name, relationships="detach") for name in names])
            )

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except TwinfrontError as error:
            with self._lock:
                self.seen.failed(error.reason or error.code.name, str(error))
            raise
        with self._lock:
            self.seen.calls += 1


def _raise_first(results: Sequence[ImportResult] | Sequence[WriteResult]) -> None:
    """Raises the error of the first part of a call that failed."""
    for result in results:
        if result.error is not None:
            raise result.error


def main(target: str, ca: str, token: str, seconds: str, file: str) -> None:
    tls = TlsConfig(ca=Path(ca).read_bytes(), server_name="localhost")
    with TwinfrontClient(target, tls=tls, token=Path(token).read_text) as client:
        seen = Callers(client, float(seconds)).run()
    Path(file).write_text(json.dumps(asdict(seen)))


if __name__ == "__main__":
    main(*sys.argv[1:])
