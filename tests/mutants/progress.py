"""Keeps what became of each mutant of a sample, so that a run that broke off goes on where it was.

`build/mutants/runs/` has a file for each sample: a line of JSON for each mutant that was tried, which may be read while
the run goes on.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final, Self

from .mutating import Mutant
from .replacing import is_at_import
from .tree import BUILD, CHECKOUT
from .trying import Verdict

_RUNS: Final = BUILD / "runs"


@dataclass(frozen=True, slots=True)
class Place:
    """A mutant and the source that it is of, as that was when the sample was taken."""

    source: str
    text: str = field(repr=False)
    mutant: Mutant

    @property
    def broken(self) -> str:
        """The source with the fault in it."""
        return self.mutant.applied(self.text)

    @property
    def line(self) -> str:
        """The line of the source that the fault is in, as it is without it."""
        return self.text.splitlines()[self.mutant.line - 1].strip()

    @property
    def is_at_import(self) -> bool:
        """Tells whether the fault is in what runs when the source is imported."""
        return is_at_import(self.text, self.broken)

    def __str__(self) -> str:
        fault = f"{self.mutant.before!r} -> {self.mutant.after!r}"
        return f"{self.source}:{self.mutant.line}: {self.line}\n    {fault}"


class Progress:
    """The mutants of a sample and the verdicts on those that were tried."""

    def __init__(self, file: Path, places: list[Place]) -> None:
        """Reads what an earlier run noted of the same sample.

        Args:
            file: where it is noted.
            places: the sample.
        """
        self._file = file
        self._places = {_key(place): place for place in places}
        self._lock = Lock()
        self.verdicts: dict[Place, Verdict] = {}
        if file.exists():
            for line in file.read_text().splitlines():
                noted = json.loads(line)
                self.verdicts[self._places[noted["key"]]] = Verdict(**noted["verdict"])

    @classmethod
    def of(cls, places: list[Place], seed: int) -> Self:
        """Gives the progress of a sample in the sources and tests as they are: with others it begins anew."""
        digest = hashlib.sha256()
        for file in sorted(file for room in ("server", "tests") for file in (CHECKOUT / room).rglob("*.py")):
            if file.parent != Path(__file__).parent:
                digest.update(f"{file.relative_to(CHECKOUT)}\0".encode() + file.read_bytes())
        digest.update("".join(map(_key, places)).encode())
        _RUNS.mkdir(parents=True, exist_ok=True)
        return cls(_RUNS / f"{seed}-{digest.hexdigest()[:12]}.jsonl", places)

    def left(self) -> list[Place]:
        """Gives those that have not been tried."""
        return [place for place in self._places.values() if place not in self.verdicts]

    def note(self, place: Place, verdict: Verdict) -> None:
        """Writes down what became of a mutant."""
        with self._lock:
            self.verdicts[place] = verdict
            with self._file.open("a") as stream:
                said = {"key": _key(place), "place": str(place), "verdict": asdict(verdict)}
                print(json.dumps(said), file=stream)


def _key(place: Place) -> str:
    mutant = place.mutant
    return hashlib.sha256(f"{place.source}\0{mutant.start}\0{mutant.end}\0{mutant.after}".encode()).hexdigest()[:16]
