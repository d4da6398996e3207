"""How many items a batch takes."""

from twinfront_server.errors import invalid_argument
from twinfront_server.wire.limits import MAX_BATCH, require_at_most


def require_batch(count: int, field: str) -> None:
    """Refuses a batch of none, or of more than 1,000.

    Raises:
        TwinfrontError: INVALID_ARGUMENT.
    """
    if not count:
        raise invalid_argument(field, "is required")
    require_at_most(count, MAX_BATCH, field, "items")
