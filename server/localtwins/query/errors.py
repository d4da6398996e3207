"""The ways in which a query fails."""

from localtwins.errors import AdtError
from localtwins.query.place import Place


def sql_query_error(place: Place, message: str) -> AdtError:
    """Makes the error of a text that is no query: lexically, in syntax or in meaning (recorded form)."""
    return AdtError(
        400,
        "SqlQueryError",
        f"SQL query parse failed: SQL Parser Error, Line={place.line}, Position={place.position}, Message={message} "
        "See samples in https://aka.ms/adtv2query for the correct syntax.",
    )


def query_timeout(seconds: float) -> AdtError:
    """Makes the error of a query that ran longer than it may (code from the reference)."""
    message = f"The query took longer than {seconds:g} seconds. Restrict it with further conditions."
    return AdtError(400, "TimeoutError", message)


def too_many_queries(retry_after: int) -> AdtError:
    """Makes the error of a query that would wait behind as many others as there may be (code from the reference)."""
    message = "Too many long queries are under way. Please check Retry-After header to retry request."
    return AdtError(429, "TooManyRequests", message, retry_after=retry_after)


def continuation_token_invalid() -> AdtError:
    """Makes the error of a continuation token that is damaged or made up (code from the reference)."""
    return AdtError(400, "BadRequest", "The continuationToken is not one that this service gave out.")
