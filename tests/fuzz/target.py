"""A target of fuzzing: something that reads bytes of a stranger, and the refusals that it may answer them with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 4096

CORPUS: Final = Path(__file__).parent / "corpus"
"""Inputs that something was wrong with once, in a folder for each target."""


@dataclass(frozen=True)
class Target:
    """A reader of bytes.

    Attributes:
        name: also that of its folder in the corpus.
        read: reads an input; what it raises is a finding, for refusals that callers are told it keeps to itself.
        seeds: inputs to begin with.
        heads: what the first line of an input may say, where that chooses who reads the rest; empty if nothing does.
    """

    name: str
    read: Callable[[bytes], None]
    seeds: Sequence[bytes]
    heads: Sequence[bytes] = ()

    def kept(self) -> list[Path]:
        """Gives the inputs that something was wrong with once."""
        return sorted((CORPUS / self.name).glob("*"))
