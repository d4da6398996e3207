"""Says how long to pause between attempts, and what `update_with_retry` and streams go on after."""

import random
from typing import Any, Final

from twinfront._digital_twins import DigitalTwin
from twinfront.errors import unreadable_answer

FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 2.0
_MOST_DOUBLINGS: Final = 10
"""More than it takes to the longest pause; a thousand are more than there are numbers for."""
ATTEMPTS: Final = 5
"""How often something that answers, or breaks, is tried: a call, or a stream since it last brought something."""


def pause(attempt: int) -> float:
    """Gives the seconds to wait after the n-th attempt (from 1) was in vain.

    Random up to a bound that doubles, so that writers that collided do not do so again at the same moment.
    """
    bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt - 1, _MOST_DOUBLINGS))
    return random.uniform(0, bound)  # noqa: S311  (no secret)


def check_attempts(attempts: int) -> None:
    """Refuses fewer than one attempt with a ValueError."""
    if attempts < 1:
        raise ValueError(f"attempts is {attempts}, and has to be 1 at the least")


def check_etag(twin: DigitalTwin) -> None:
    """Refuses a twin that was read without its etag, as its write would have no condition, with a TwinfrontError."""
    if not twin.etag:
        raise unreadable_answer("GetDigitalTwin", "the twin has no etag")


def check_change(before: DigitalTwin, twin: DigitalTwin, patch: object) -> None:
    """Refuses a change that was made to the twin itself, with no patch to write it, with a TypeError.

    `lambda twin: twin.properties.update(temperature=9)` returns None, as a change does that finds nothing to do.
    """
    if patch is None and twin != before:
        raise TypeError("change returned None, and changed the twin that it was given: return a patch instead")


def resume_token(response: Any) -> str:
    """Gives the place to go on from after a message of a stream."""
    token: str = response.resume_token
    return token
