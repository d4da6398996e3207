"""Puts and deletes event routes."""

from localtwins import errors
from localtwins.settings import Settings
from localtwins.store.transaction import Transaction


def put(tx: Transaction, settings: Settings, route_id: str, endpoint_name: str, filter_text: str) -> None:
    """Creates or replaces an event route.

    Raises:
        AdtError: LimitExceeded.
    """
    if tx.event_route(route_id) is None and tx.event_route_count() >= settings.max_event_routes:
        raise errors.limit_exceeded(f"The instance may have {settings.max_event_routes} event routes.")
    tx.put_event_route(route_id, endpoint_name, filter_text)


def delete(tx: Transaction, route_id: str) -> None:
    """Deletes an event route.

    Raises:
        AdtError: EventRouteNotFound.
    """
    if tx.event_route(route_id) is None:
        raise errors.event_route_not_found()
    tx.delete_event_route(route_id)
