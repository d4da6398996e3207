"""Problems of a batch of models, each with the rule that is broken, the element and the document."""

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
    """Gives a caller's text as it may stand in a message: the beginning and the end of a long one."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - _SHOWN_END]}…{text[-_SHOWN_END:]}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Describes one broken rule.

    Attributes:
        rule: the validation id of the official parser (`missingContext`, `stringTooLong`, …).
        message: what is wrong and what to do, in the official parser's words where the service is known to repeat them.
        element: the DTMI of the element, or the id of the nearest identified parent followed by the way down to it.
        document: the index of the document in the batch.
        parts: of a message about several documents, the message to each of them.
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
        """Tells whether a further problem of a document would be kept; if not, nobody need look for it."""
        return self._counts.get(document, 0) < MOST_OF_DOCUMENT

    def add(self, problem: Problem) -> None:
        """Keeps a problem, or counts it if its document has enough of them."""
        if not self.takes(problem.document):
            self.dropped += 1
            return
        self._counts[problem.document] = self._counts.get(problem.document, 0) + 1
        self.kept.append(problem)


class DtdlError(ValueError):
    """Refuses models that are not valid DTDL, or not the DTDL that Azure Digital Twins takes.

    Attributes:
        problems: up to `MOST_OF_DOCUMENT` of each document; `str()` joins their messages.
        unresolved: undefined DTMI -> number of places that refer to it.
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
        """Tells whether a document asks for a newer DTDL than the service takes."""
        return any(problem.rule == UNSUPPORTED_VERSION for problem in self.problems)

    def by_document(self) -> Iterator[tuple[int, str]]:
        """Gives problems with their documents: first one of each document that has any, then the next ones."""
        told: dict[int, list[str]] = {}
        for problem in self.problems:
            parts = problem.parts or ({} if problem.document is None else {problem.document: problem.message})
            for document, message in parts.items():
                told.setdefault(document, []).append(message)
        for row in zip_longest(*(told[document] for document in sorted(told))):
            yield from ((document, text) for document, text in zip(sorted(told), row, strict=True) if text)
