"""The pauses of `update_with_retry`, and when streams are gone on with."""

import random
from typing import Any

from twinfront.errors import TwinfrontError, UnavailableError

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0
BREAKS = 5


def pause(attempt: int) -> float:
    """Seconds to wait after the n-th attempt (from 1) was in vain.

    Random up to a bound that doubles, so that writers that collided do not do so again at the same moment.
    """
    return random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)))  # noqa: S311  (no secret)


def check_attempts(attempts: int) -> None:
    """ValueError unless there is at least one attempt."""
    if attempts < 1:
        raise ValueError(f"attempts is {attempts}, and has to be 1 at the least")


def may_resume(error: TwinfrontError, failures: int) -> bool:
    """Whether a stream that broke is gone on with, after so many failures since the last message."""
    return isinstance(error, UnavailableError) and failures < BREAKS


def resume_token(response: Any) -> str:
    """Where to go on after a message of a stream."""
    token: str = response.resume_token
    return token
