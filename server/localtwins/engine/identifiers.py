"""Ids that digital twins, relationships, models and jobs may have.

The service's own rules for twin and relationship ids are not public. These keep an id usable in a URL path and apart
from the reserved `$` names.
"""

import re
from typing import Final

from localtwins import errors

MAX_LENGTH: Final = 128
_PLAIN_ID: Final = re.compile(r"[^$/\\?#\x00-\x1f\x7f-\x9f][^/\\?#\x00-\x1f\x7f-\x9f]{0,127}")
_RESOLVED_AWAY: Final = frozenset({".", ".."})
_SEGMENT: Final = "[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?"
_DTMI: Final = re.compile(rf"dtmi:{_SEGMENT}(?::{_SEGMENT})*(?:;[1-9][0-9]{{0,8}}(?:\.[1-9][0-9]{{0,5}})?)?")
_MAX_DTMI_LENGTH: Final = 2048


def check_twin_id(value: str) -> None:
    """Refuses what cannot be the id of a digital twin.

    Raises:
        AdtError: InvalidArgument.
    """
    _check(value, "digital twin")


def check_relationship_id(value: str) -> None:
    """Refuses what cannot be the id of a relationship.

    Raises:
        AdtError: InvalidArgument.
    """
    _check(value, "relationship")


def check_job_id(value: str) -> None:
    """Refuses what cannot be the id of a job.

    Raises:
        AdtError: InvalidArgument.
    """
    _check(value, "job")


def check_model_id(value: str) -> None:
    """Refuses what is not a DTMI.

    Raises:
        AdtError: InvalidArgument.
    """
    if not value:
        raise errors.model_id_missing()
    if len(value) > _MAX_DTMI_LENGTH or not _DTMI.fullmatch(value):
        raise errors.model_id_malformed(value)


def _check(value: str, what: str) -> None:
    if value in _RESOLVED_AWAY:
        raise errors.invalid_argument(f"The {what} id must not be . or .., which no client can send in a path.")
    if _PLAIN_ID.fullmatch(value):
        return
    message = (
        f"The {what} id {value[:MAX_LENGTH]!r} is not valid. An id has 1 to {MAX_LENGTH} characters, "
        "no control characters, none of / \\ ? #, and does not begin with $."
    )
    raise errors.invalid_argument(message)
