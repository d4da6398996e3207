"""What is wrong with a batch of models: every problem found, each naming its rule and its element."""

from dataclasses import dataclass

UNSUPPORTED_VERSION = "disallowedContextVersion"
UNRESOLVED_REFERENCE = "unresolvedReference"


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule.

    `rule` is the validation id of the official parser (`missingContext`, `stringTooLong`, …), `message` says what is
    wrong and what to do, in the official parser's words where the service is known to repeat them, `element` is the
    DTMI of the element, or the id of the nearest identified parent followed by the way down to it.
    """

    rule: str
    message: str
    element: str


class DtdlError(ValueError):
    """The models are not valid DTDL that Azure Digital Twins takes.

    `str()` joins the messages of all `problems`. `unresolved` lists the DTMIs that nothing defines, each with the
    number of places that refer to it; `unsupported_version` tells that a document is written in a newer DTDL.
    """

    def __init__(self, problems: list[Problem], unresolved: list[tuple[str, int]] | None = None) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems
        self.unresolved = unresolved or []

    @property
    def unsupported_version(self) -> bool:
        """Whether a document asks for a DTDL version that the service does not take."""
        return any(problem.rule == UNSUPPORTED_VERSION for problem in self.problems)
