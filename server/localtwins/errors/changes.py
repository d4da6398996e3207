"""Errors of the log of changes, which are our own: the service has no such log."""

from localtwins.errors.exceptions import AdtError


def changes_lost(oldest: int, newest: int) -> AdtError:
    """The log cannot go on from a position or time: it was trimmed, or is an older one in place of a later one."""
    message = (
        f"The log does not go on from there: what it has is behind position {oldest}, up to {newest}. "
        "Read the graph anew, and follow the log from the position that this is read at."
    )
    return AdtError(410, "ChangesLost", message)


def change_log_replaced(log_id: str) -> AdtError:
    """The caller has read another log before, and its positions mean nothing in this one."""
    return AdtError(410, "ChangeLogReplaced", f"The log that is here is {log_id}. Read the graph anew.")


def too_many_waiting() -> AdtError:
    """More requests wait for changes than may do so at once."""
    message = "Too many requests wait for changes. Please check Retry-After header to retry request."
    return AdtError(429, "TooManyRequests", message, retry_after=1)
