"""Errors of the service itself, which are not about the request."""

from localtwins.errors.exceptions import AdtError


def internal_error() -> AdtError:
    """A defect of this service; what happened is in its log."""
    return AdtError(500, "InternalServerError", "The service met an unexpected error. Its log tells what happened.")


def storage_unavailable(reason: str, *, unchanged: bool = True) -> AdtError:
    """The database could not be read or written; nothing of the request was stored, if it can be known."""
    promise = " Nothing was changed." if unchanged else ""
    message = f"The data could not be read or written: {reason}.{promise}"
    return AdtError(503, "ServiceUnavailable", message, unchanged=unchanged)


def busy() -> AdtError:
    """More large requests wait than there is room for; nothing of this one was done."""
    message = "Too many large requests are waiting. Nothing was changed; try again later."
    return AdtError(503, "ServiceUnavailable", message, retry_after=1, unchanged=True)


def quota_reached(retry_after: int) -> AdtError:
    """Queries have used the query units of the time (code from the reference)."""
    message = "The query units that the instance may use in a second are used up."
    return AdtError(429, "QuotaReachedError", message, retry_after=retry_after)


def injected(status: int) -> AdtError:
    """An error that was asked for."""
    code = "InternalServerError" if status == 500 else "ServiceUnavailable"  # noqa: PLR2004  (one of the two)
    return AdtError(status, code, "This error was asked for with the setting inject.")
