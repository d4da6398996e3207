"""The callers of a client, as a process of their own that goes on until it is told to stop."""

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from tests.rpc.serving.process import wait_until

from .languages import Language

MODEL: Final = {
    "@id": "dtmi:rolling:Counter;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "total", "schema": "long"}],
}
"""The model of the twins that callers write and import."""

TWINS: Final = 4
"""The number of twins that each have a caller who writes them and one who reads them."""

IMPORTED_TWINS: Final = 100
"""The number of twins that one more caller imports, all of them together, again and again."""

_STOP_SECONDS: Final = 90.0


def counted_twins(prefix: str) -> list[str]:
    """Lists the twins that a writer each counts up on."""
    return [f"{prefix}-{number}" for number in range(TWINS)]


def imported_twins(prefix: str) -> list[str]:
    """Lists the twins that are imported together, in their order; what is acknowledged names the last one alone."""
    return [f"{prefix}-import-{number}" for number in range(IMPORTED_TWINS)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of all calls, as the callers saw it.

    Attributes:
        calls: how many calls succeeded.
        failures: how many others ended with which text.
        acknowledged: by twin, the last total that its only writer was told is written; of those that are imported
            together, by the last one.
    """

    calls: int
    failures: dict[str, int]
    acknowledged: dict[str, int]


class LoadProcess:
    """Callers who write and read inside the block.

    Args:
        language: whose client they use.
        arguments: how they reach the servers.
        folder: where what they say on the standard error goes.
    """

    def __init__(self, language: Language, arguments: list[str], folder: Path) -> None:
        self._stderr = folder / f"{language.name}-load-stderr"
        self._process = language.start_load(arguments, self._stderr)
        self._last: dict[str, Any] = {"calls": 0}
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def goes_on(self, calls: int, seconds: float) -> None:
        """Returns after so many more calls."""
        aim = self._last["calls"] + calls
        wait_until(lambda: self._last["calls"] >= aim or self._process.poll() is not None, seconds)
        assert self._process.poll() is None, self._stderr.read_text()

    def stop(self) -> Outcome:
        """Has the callers stop, and gives what they saw."""
        assert self._process.stdin
        self._process.stdin.close()
        code = self._process.wait(_STOP_SECONDS)
        self._reader.join()
        assert code == 0, self._stderr.read_text()
        return Outcome(**self._last)

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self._last = json.loads(line)
