"""Errors of event routes, and of the telemetry that they carry."""

from localtwins.errors.exceptions import AdtError
from localtwins.errors.requests import invalid_argument


def message_id_invalid() -> AdtError:
    """Telemetry without a usable Message-Id (code from the reference)."""
    return invalid_argument("The Message-Id header must be present, not empty, and printable.")


def source_time_invalid(value: str) -> AdtError:
    """Telemetry with a time that is none (code from the reference)."""
    return invalid_argument(f"The Telemetry-Source-Time header must be an RFC 3339 time, and not {value[:64]!r}.")


def event_route_not_found() -> AdtError:
    """No event route of that id (recorded)."""
    message = (
        "There is no route available that matches the provided input. "
        "Check for all valid event routes by calling EventRoute_List. "
        "See Swagger example (https://aka.ms/RouteSwSmpl)."
    )
    return AdtError(404, "EventRouteNotFound", message)


def event_route_endpoint_invalid() -> AdtError:
    """The endpoint is not one of the instance (recorded)."""
    message = (
        "The endpoint provided does not exist or is not active. Check that your endpoint is provisioned correctly. "
        "See event route documentation (https://aka.ms/ADTv2Routes)."
    )
    return AdtError(400, "EventRouteEndpointInvalid", message)


def event_route_filter_invalid(line: int, column: int, message: str) -> AdtError:
    """The filter is none; `line` and `column` count from 1 (recorded form)."""
    return AdtError(
        400,
        "EventRouteFilterInvalid",
        f"The provided filter is invalid. Parsing error, Line={line}, Position={column}, Message={message}. "
        "See event route documentation for supported values and structure (https://aka.ms/ADTv2Routes).",
    )


def event_route_id_invalid(route_id: str) -> AdtError:
    """The id is not one that an event route can have (code from the reference)."""
    message = (
        f"The event route id {route_id[:128]!r} is not valid. An id has 1 to 128 characters: letters, digits, - and _."
    )
    return AdtError(400, "EventRouteIdInvalid", message)
