"""Reads what may have gone, or out of the caller's sight, by the time at which a change of it is told."""

from collections.abc import Awaitable
from typing import Final, TypeVar

from twinfront_server.errors import TwinfrontError
from twinfront_server.reasons import Reason

_NOT_THERE: Final = frozenset({Reason.TWIN_NOT_FOUND, Reason.RELATIONSHIP_NOT_FOUND, Reason.CALLER_NOT_PERMITTED})

T = TypeVar("T")


async def if_there(reading: Awaitable[T]) -> T | None:
    """Gives what is read; None if there is nothing, or nothing that the caller may see."""
    try:
        return await reading
    except TwinfrontError as error:
        if error.reason in _NOT_THERE:
            return None
        raise
