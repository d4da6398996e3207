"""Exit codes of commands, by class of error."""

from collections.abc import Iterable
from typing import Final

from twinfront.errors import (
    AbortedError,
    AlreadyExistsError,
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ResourceExhaustedError,
    TwinfrontError,
    UnauthenticatedError,
    UnavailableError,
)

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130

MEANINGS: Final = {
    OK: "done",
    FAILED: "failed in another way, or in several",
    USAGE: "wrongly called, or the server does not accept the input",
    3: "no such twin, component, relationship or model",
    4: "a conflict: another etag, there already, or relationships in the way",
    5: "the server or Azure Digital Twins cannot be reached in time, or it is unknown whether a write was done",
    6: "throttled, or a limit is reached",
    7: "not allowed: token or certificate",
    INTERRUPTED: "interrupted",
}
"""For help and docs."""

_CLASSES: Final[tuple[tuple[int, tuple[type[TwinfrontError], ...]], ...]] = (
    (USAGE, (InvalidArgumentError,)),
    (3, (NotFoundError,)),
    (4, (AbortedError, AlreadyExistsError, FailedPreconditionError)),
    (5, (UnavailableError, DeadlineExceededError, OutcomeUnknownError)),
    (6, (ResourceExhaustedError,)),
    (7, (UnauthenticatedError, PermissionDeniedError)),
)


def exit_code(error: TwinfrontError) -> int:
    """Gives the exit code for an error."""
    return next((code for code, kinds in _CLASSES if isinstance(error, kinds)), FAILED)


def exit_code_of_all(errors: Iterable[TwinfrontError]) -> int:
    """Gives the exit code for several errors: theirs if it is one, `FAILED` if they differ, `OK` if there are none."""
    codes = {exit_code(error) for error in errors}
    return codes.pop() if len(codes) == 1 else FAILED if codes else OK
