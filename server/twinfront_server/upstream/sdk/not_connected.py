"""The error of a request that was not sent."""

from azure.core.exceptions import ServiceRequestError


class NotConnectedError(ServiceRequestError):
    """There was no connection, so nothing was sent to the upstream."""
