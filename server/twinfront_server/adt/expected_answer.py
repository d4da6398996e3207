"""Reading what the upstream answered as what it should be."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from http import HTTPStatus
from typing import Final, ParamSpec, TypeVar

from twinfront_server.errors import upstream_answer_unexpected

P = ParamSpec("P")
T = TypeVar("T")

_SIGNS: Final = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Exceptions that a member raises which is missing, of another type, or nested too deeply."""


def expects_answer(read: Callable[P, T]) -> Callable[P, T]:
    """Has a function that reads a document of the upstream's say so when the document is not what it should be.

    Raises:
        TwinfrontError: UPSTREAM_ANSWER_UNEXPECTED.
    """

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return read(*args, **kwargs)
        except _SIGNS as error:
            raise upstream_answer_unexpected(HTTPStatus.OK) from error

    return reading


@contextmanager
def expecting_answer() -> Iterator[None]:
    """Does for a block what `expects_answer` does for a function."""
    try:
        yield
    except _SIGNS as error:
        raise upstream_answer_unexpected(HTTPStatus.OK) from error
