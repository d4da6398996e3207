"""The mutants of which somebody has found that they change nothing that can be seen from outside."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .mutating import Mutant

LIST: Final = Path(__file__).parent / "equivalent.txt"


@dataclass(frozen=True, slots=True)
class Equivalents:
    """The reviewed list, by source, line of text and what the fault makes of it; line numbers would not last."""

    known: frozenset[tuple[str, str, str, str]]

    @classmethod
    def read(cls) -> "Equivalents":
        """Reads the list: blocks of source, line, `before -> after` and a reason, with empty lines between them."""
        known = set()
        for block in LIST.read_text().split("\n\n"):
            lines = [line.strip() for line in block.strip().splitlines() if not line.startswith("#")]
            if not lines:
                continue
            source, line, fault, *reason = lines
            if not reason:
                raise ValueError(f"{LIST.name} gives no reason for: {fault}")
            before, _, after = fault.partition(" -> ")
            known.add((source, line, before, after))
        return cls(frozenset(known))

    def has(self, source: str, line: str, mutant: Mutant) -> bool:
        """Tells whether a mutant of a line of a source is in the list."""
        return (source, line, repr(mutant.before), repr(mutant.after)) in self.known
