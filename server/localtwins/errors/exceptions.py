"""The exceptions that end a request or a job, and how much of a caller's words they keep."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from localtwins import limits

_PROBLEM_LENGTH: Final = 1_024
_ELLIPSIS: Final = " … "
_END_KEPT: Final = 512


def shortened(text: str, most: int = limits.MESSAGE_LENGTH) -> str:
    """Cuts a text in the middle, so that what a caller wrote into it cannot make it longer than `most`."""
    if len(text) <= most:
        return text
    end = min(_END_KEPT, most // 4)
    return f"{text[: most - end - len(_ELLIPSIS)]}{_ELLIPSIS}{text[-end:]}"


def told(problems: Iterable[str]) -> list[str]:
    """Gives the first problems, shortened, and in place of the others their number."""
    rest = iter(problems)
    first = [shortened(problem, _PROBLEM_LENGTH) for problem in islice(rest, limits.PROBLEMS)]
    more = sum(1 for _ in rest)
    return [*first, f"and {more:,} more"] if more else first


class AdtError(Exception):
    """An error answer of the service.

    Attributes:
        status: the HTTP status.
        code: stands in the envelope `{"error": {"code", "message"}}`.
        message: stands there too.
        details: the messages of the individual problems, each of which is answered under the same code; beyond a number
            they are only counted.
        retry_after: the header of that name, in seconds.
        unchanged: promises that nothing was changed, for an error that could otherwise be the end of a write that was
            carried out.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Iterable[str] = (),
        *,
        retry_after: int | None = None,
        unchanged: bool = False,
    ) -> None:
        self.status = status
        self.code = code
        self.message = shortened(message)
        self.details = tuple(told(details))
        super().__init__(f"{status} {code}: {self.message}")
        self.retry_after = retry_after
        self.unchanged = unchanged


class JobError(Exception):
    """Ends a job; the job tells `code` and `message` as the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class ImportFileError(JobError):
    """Ends an import before any of it is stored: the file is not in the format, or too long.

    Attributes:
        line: the `line` in the job's log.
        kind: the `exceptionType` there.
        problem: the `message` there.
    """

    def __init__(self, code: str, message: str, *, line: int, kind: str, problem: str) -> None:
        super().__init__(code, message)
        self.line = line
        self.kind = kind
        self.problem = problem


class FrameworkError(Exception):
    """A body that the real service's web framework refuses before the service sees it.

    It is answered as an RFC 9457 problem with `errors`, from the place in the body to what is wrong there.
    """

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(str(errors))
        self.errors = errors


class ThrottledError(Exception):
    """Too many requests: to one twin, or to the instance.

    Neither answer has the shape of the others (recorded).

    Attributes:
        retry_after: in seconds.
        twin_id: None if it is about the instance.
    """

    def __init__(self, retry_after: int, twin_id: str | None = None) -> None:
        super().__init__(f"too many requests to {'the instance' if twin_id is None else twin_id}")
        self.retry_after = retry_after
        self.twin_id = twin_id


class AnswerLostError(Exception):
    """Keeps an answer from the caller although the request was carried out: a fault that was asked for."""
