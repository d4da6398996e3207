"""The log of the embedded service as a source of changes, read in this process."""

import asyncio
import time as clock
from datetime import datetime
from typing import Final

from localtwins.engine.clock import twin_time
from localtwins.events import notifications
from localtwins.store import change_log
from localtwins.store.change import Change as LoggedChange
from localtwins.store.change_log import ChangeLog, ChangeLogClosedError
from twinfront_server.errors import upstream_unavailable
from twinfront_server.upstream.changes.source import (
    Batch,
    Change,
    ChangesLostError,
    Extent,
    Items,
    ItemsPage,
    Kind,
    Order,
    Position,
)

_PARTITION: Final = ""
_READ_BYTES: Final = 128 << 10
"""Bytes of the changes, or items, that are read at once: this is done in the event loop."""

_KINDS: Final = {
    notifications.TWIN_CREATE: Kind.TWIN_CREATED,
    notifications.TWIN_UPDATE: Kind.TWIN_UPDATED,
    notifications.TWIN_VERSION: Kind.TWIN_UPDATED,
    notifications.TWIN_DELETE: Kind.TWIN_DELETED,
    notifications.RELATIONSHIP_CREATE: Kind.RELATIONSHIP_CREATED,
    notifications.RELATIONSHIP_UPDATE: Kind.RELATIONSHIP_UPDATED,
    notifications.RELATIONSHIP_VERSION: Kind.RELATIONSHIP_UPDATED,
    notifications.RELATIONSHIP_DELETE: Kind.RELATIONSHIP_DELETED,
    notifications.TELEMETRY: Kind.TELEMETRY,
    notifications.MODEL_CREATE: Kind.MODEL_CREATED,
    notifications.MODEL_DECOMMISSION: Kind.MODEL_DECOMMISSIONED,
    notifications.MODEL_DELETE: Kind.MODEL_DELETED,
    notifications.JOB_WRITE: Kind.JOB_WROTE,
    notifications.JOB_END: Kind.JOB_ENDED,
}
_RELATIONSHIPS: Final = frozenset(
    {Kind.RELATIONSHIP_CREATED, Kind.RELATIONSHIP_UPDATED, Kind.RELATIONSHIP_DELETED},
)
_BEFORE_RELATIONSHIP: Final = "/relationships/"


class LocalChanges:
    """The log of the embedded service.

    Args:
        log: the log.
    """

    order: Final = Order.TOTAL

    def __init__(self, log: ChangeLog) -> None:
        self._log = log

    async def log_id(self) -> str:
        """Gives the log's id."""
        return str(self._log.log_id)

    async def extent(self) -> Extent:
        """Tells how far the log reaches."""
        extent = self._log.extent()
        return Extent(_at(extent.oldest), _at(extent.newest), extent.oldest_time, extent.newest_time)

    async def newest(self) -> Position:
        """Gives the newest position."""
        return _at(self._log.extent().newest)

    async def at_time(self, time: datetime) -> Position:
        """Gives the place before the first change at or after a time.

        Raises:
            ChangesLostError: the log does not reach back that far.
        """
        try:
            return _at(self._log.at_time(time))
        except change_log.ChangesLostError as lost:
            raise ChangesLostError(lost.extent.oldest_time) from None

    async def read(self, after: Position, limit: int) -> Batch:
        """Gives the changes behind a position that are there.

        Raises:
            ChangesLostError: some of them are lost.
        """
        position, now = after.get(_PARTITION, 0), clock.time()
        try:
            read = self._log.read(position, limit, _READ_BYTES)
        except change_log.ChangesLostError as lost:
            # All else is lost where an older state of the database was put in the place of a later one.
            raise ChangesLostError(lost.extent.oldest_time, trimmed=position < lost.extent.oldest) from None
        changes = [change_of(each, each.id_in(self._log.log_id), _PARTITION) for each in read]
        if read:
            return Batch(changes, _at(read[-1].position))
        # Between the last change of an earlier process and the first of this one there are none.
        return Batch(changes, _at(max(position, self._log.extent().begun)), now)

    async def wait(self, after: Position, seconds: float) -> None:
        """Returns once there are changes behind a position, or when the time is over.

        Raises:
            TwinfrontError: UPSTREAM_UNAVAILABLE when the service is closed.
        """
        try:
            await self._log.wait(after.get(_PARTITION, 0), seconds)
        except ChangeLogClosedError:
            raise upstream_unavailable("The embedded service is being closed.") from None

    async def before_items(self) -> Position:
        """Gives the newest position."""
        return await self.newest()

    async def items(self, kind: Items, after: str, limit: int) -> ItemsPage:
        """Gives a page of twins or relationships, and the position that it was read at."""
        page = self._log.items(change_log.Items(kind.value), after, limit, _READ_BYTES)
        await asyncio.sleep(0)
        return ItemsPage(page.documents, page.next, _at(page.as_of))

    async def close(self) -> None:
        """Does nothing: the service closes its log."""


def change_of(logged: LoggedChange, event_id: str, partition: str) -> Change:
    """Gives a change of the log of localtwins as a source has it.

    Args:
        logged: the change.
        event_id: the id of its event.
        partition: what the log is called.
    """
    kind = _KINDS[logged.type]
    relationship_id = ""
    if kind in _RELATIONSHIPS:
        relationship_id = logged.subject[len(logged.twin_id) + len(_BEFORE_RELATIONSHIP) :]
    return Change(
        partition=partition,
        sequence=logged.position,
        id=event_id,
        kind=kind,
        time=logged.time,
        digital_twin_id=logged.twin_id,
        relationship_id=relationship_id,
        component_name=logged.subject if kind is Kind.TELEMETRY else "",
        model_id=logged.model_id,
        data=logged.data,
        etag=logged.etag,
        previous_model_id=logged.previous_model_id,
        target_id=logged.target_id,
        relationship_name=logged.relationship_name,
        previous_target_id=logged.previous_target_id,
        previous_relationship_name=logged.previous_relationship_name,
        traceparent=logged.traceparent,
        logged_time=twin_time(logged.logged) if kind is Kind.TELEMETRY else "",
    )


def _at(position: int) -> Position:
    return {_PARTITION: position}
