"""What is wrong with a batch of models: problems that each name their rule, their element and their document."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

UNSUPPORTED_VERSION: Final = "disallowedContextVersion"
UNRESOLVED_REFERENCE: Final = "unresolvedReference"

MOST_OF_DOCUMENT: Final = 20
"""How many problems of one document are kept; the others are counted."""

MOST_TOLD: Final = 1_000
"""How many problems an error tells in all."""

_SHOWN: Final = 240
_SHOWN_END: Final = 60


def shown(text: str) -> str:
    """Give a caller's text as it may stand in a message: of a long one the beginning and the end."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - _SHOWN_END]}…{text[-_SHOWN_END:]}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule.

    `rule` is the validation id of the official parser (`missingContext`, `stringTooLong`, …), `message` says what is
    wrong and what to do, in the official parser's words where the service is known to repeat them, `element` is the
    DTMI of the element, or the id of the nearest identified parent followed by the way down to it. `document` is the
    index of the document in the batch. A message about several documents has `parts` that say it of each.
    """

    rule: str
    message: str
    element: str
    document: int | None = None
    parts: Mapping[int, str] = field(default_factory=dict)


class Problems:
    """Collects problems: of each document as many as anybody reads, so that no batch costs more than its size."""

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self.dropped = 0
        self._counts: dict[int | None, int] = {}

    def __bool__(self) -> bool:
        return bool(self.kept)

    def takes(self, document: int | None) -> bool:
        """Tell whether a further problem of a document would be kept; if not, it need not be looked for."""
        return self._counts.get(document, 0) < MOST_OF_DOCUMENT

    def add(self, problem: Problem) -> None:
        """Keep a problem, or count it if its document has enough of them."""
        if not self.takes(problem.document):
            self.dropped += 1
            return
        self._counts[problem.document] = self._counts.get(problem.document, 0) + 1
        self.kept.append(problem)


class DtdlError(ValueError):
    """The models are not valid DTDL that Azure Digital Twins takes.

    `problems` are up to `MOST_OF_DOCUMENT` of each document, of which `str()` joins the messages. `unresolved` lists
    the DTMIs that nothing defines, each with the number of places that refer to it; `unsupported_version` tells that a
    document is written in a newer DTDL.
    """

    def __init__(self, problems: Problems, unresolved: Iterable[tuple[str, int]] = ()) -> None:
        messages = [problem.message for problem in problems.kept[:MOST_TOLD]]
        untold = len(problems.kept) - len(messages) + problems.dropped
        if untold:
            messages.append(f"There are more problems: at least {untold}.")
        super().__init__(" ".join(messages))
        self.problems = problems.kept
        self.unresolved = list(unresolved)

    @property
    def unsupported_version(self) -> bool:
        """Whether a document asks for a DTDL version that the service does not take."""
        return any(problem.rule == UNSUPPORTED_VERSION for problem in self.problems)

    def by_document(self) -> Iterator[tuple[int, str]]:
        """Give what is wrong with which document: first one thing about each that is broken, then the next ones."""
        told: dict[int, list[str]] = {}
        for problem in self.problems:
            parts = problem.parts or ({} if problem.document is None else {problem.document: problem.message})
            for document, message in parts.items():
                told.setdefault(document, []).append(message)
        for row in zip_longest(*(told[document] for document in sorted(told))):
            yield from ((document, text) for document, text in zip(sorted(told), row, strict=True) if text)
