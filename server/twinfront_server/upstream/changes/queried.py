"""The state of the graph by queries, before the changes of a log that Azure Digital Twins feeds."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from twinfront_server.errors import TwinfrontError
from twinfront_server.metric_table import EventOutcome
from twinfront_server.reasons import Reason
from twinfront_server.upstream.changes.followed_log import FollowedLog
from twinfront_server.upstream.changes.partitioned_log import PartitionedLog, oldest_of
from twinfront_server.upstream.changes.source import ChangesLostError, Items, ItemsPage, Position
from twinfront_server.upstream.resources.queries import Queries

MARGIN: Final = timedelta(minutes=2)
"""How far back changes begin behind a state that is read now: queries are up to 10 seconds behind, events are late, and
clocks differ."""

_LAG: Final = timedelta(seconds=30)
"""How old a change is that queries show for certain."""

_QUERIES: Final = {
    Items.DIGITAL_TWINS: "SELECT * FROM digitaltwins",
    Items.RELATIONSHIPS: "SELECT * FROM relationships",
}


class QueriedChanges(FollowedLog):
    """Changes of a log, and the state by queries.

    A query does not tell the moment of which its answer is. So changes begin a while before it, and some of them are in
    the state already; the time of a change and that of the last update of what it is about tell.

    Args:
        log: the log.
        queries: ask for the state.
        on_event: as for `FollowedLog`.
        on_failure: likewise.
    """

    def __init__(
        self,
        log: PartitionedLog,
        queries: Queries,
        on_event: Callable[[EventOutcome], None] = lambda _outcome: None,
        on_failure: Callable[[Reason], None] = lambda _reason: None,
    ) -> None:
        super().__init__(log, on_event=on_event, on_failure=on_failure)
        self._queries = queries

    async def before_items(self) -> Position:
        """Gives the place of some time ago; the oldest one of a log that does not reach back that far."""
        try:
            return await self.at_time(datetime.now(UTC) - MARGIN)
        except ChangesLostError:
            return oldest_of(await self._bounds())

    async def items(self, kind: Items, after: str, limit: int) -> ItemsPage:
        """Gives a page of a query; the first one once it shows what an event said that makes no sense.

        Raises:
            ChangesLostError: the query cannot be gone on with; it has to be made anew.
        """
        if not after:
            await self._outlive_unreadable()
        try:
            page = await self._queries.page(_QUERIES[kind], after, page_size=limit, by_the_front=True)
        except TwinfrontError as error:
            if error.reason is Reason.PAGE_TOKEN_INVALID:
                raise ChangesLostError(None, trimmed=False) from error
            raise
        return ItemsPage([orjson.dumps(item) for item in page.items], page.next_link or None, None)

    async def _outlive_unreadable(self) -> None:
        """Waits until the query shows what the newest event that makes no sense has changed."""
        if self.unreadable_at is not None:
            left = self.unreadable_at + _LAG - datetime.now(UTC)
            await asyncio.sleep(min(max(left, timedelta()), _LAG).total_seconds())
