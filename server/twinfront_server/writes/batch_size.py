"""How many items a batch takes."""

from typing import Final

from twinfront_server.errors import invalid_argument

MAX_BATCH: Final = 1000


def require_batch(count: int, field: str) -> None:
    """Refuses a batch of none, or of more than 1,000.

    Raises:
        TwinfrontError: INVALID_ARGUMENT.
    """
    if not count:
        raise invalid_argument(field, "is required")
    if count > MAX_BATCH:
        raise invalid_argument(field, f"has {count} items and may have {MAX_BATCH}")
