"""The log of a localtwins elsewhere, over HTTP, as a source of changes."""

from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.rest import HttpRequest
from azure.digitaltwins.core.aio import DigitalTwinsClient

from localtwins.engine.clock import datetime_of, ticks_of
from localtwins.store.change import Change as LoggedChange
from twinfront_server.adt.expected_answer import expecting_answer
from twinfront_server.adt.json_text import dumps_to_keep, parse_answer
from twinfront_server.errors import changes_unsupported, upstream_unavailable
from twinfront_server.reasons import Reason
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.changes.followed_log import FollowedLog
from twinfront_server.upstream.changes.local import change_of
from twinfront_server.upstream.changes.partitioned_log import Bounds, Entry, OutOfRangeError, Portion
from twinfront_server.upstream.changes.source import Items, ItemsPage, Order, Position
from twinfront_server.upstream.operation import Asked, Operation
from twinfront_server.upstream.refusals.errors import error_of

_PATHS: Final = {
    operations.LIST_CHANGES: "/localtwins/changes",
    operations.LIST_CHANGE_ITEMS: "/localtwins/changes/items",
}
_NO_LOG: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.BAD_REQUEST})
"""Answers of a service that has no such path."""

_MOST_CHANGES: Final = 500
_LONGEST_WAIT: Final = 5.0
"""Seconds after which it is asked again, come what may: a checkpoint is no older than that."""


class RemoteLog:
    """Asks a localtwins for its log.

    The partition is called as the log is: a log that stands in its place is another partition, in which no position of
    the old one means anything. Its numbers begin with 0 where the positions of localtwins begin with 1.

    Args:
        sdk: sends the requests.
        patience: seconds that an answer may take.
    """

    order: Final = Order.TOTAL

    def __init__(self, sdk: DigitalTwinsClient, patience: float) -> None:
        self._client = sdk._client._client  # noqa: SLF001  (the SDK has no public way to send a request of one's own)
        self._longest_wait = min(patience / 2, _LONGEST_WAIT)
        self._begun: int | None = None

    async def log_id(self) -> str:
        """Gives the log's id.

        Raises:
            TwinfrontError: CHANGES_UNSUPPORTED if the upstream has no such log.
        """
        with expecting_answer():
            log_id: str = (await self.ask(operations.LIST_CHANGES, limit=0))["logId"]
        return log_id

    async def bounds(self) -> Mapping[str, Bounds]:
        """Asks for the oldest position and the newest."""
        with expecting_answer():
            told = await self.ask(operations.LIST_CHANGES, limit=0)
            newest = told["newestTime"]
            self._begun = _number(told["begun"])
            return {
                told["logId"]: Bounds(
                    first=_number(told["oldest"]),
                    end=_number(told["newest"]),
                    newest_time=None if newest is None else datetime.fromisoformat(newest),
                    certain_from=self._begun,
                )
            }

    async def since(self, time: datetime, _bounds: Mapping[str, Bounds]) -> Mapping[str, int]:
        """Asks for the position before a time; none if that lies before the log."""
        try:
            with expecting_answer():
                told = await self.ask(operations.LIST_CHANGES, limit=0, time=time.isoformat())
                return {told["logId"]: _number(told["after"])}
        except OutOfRangeError:
            return {}

    async def open(self, starts: Mapping[str, int]) -> "RemoteReader":
        """Begins to read at a position."""
        (log_id, start) = next(iter(starts.items()))
        return RemoteReader(self, log_id, start, self._longest_wait, self._begun)

    async def items(self, kind: Items, after: str, limit: int) -> ItemsPage:
        """Asks for a page of twins or relationships."""
        with expecting_answer():
            told = await self.ask(operations.LIST_CHANGE_ITEMS, kind=kind.value, after=after, limit=limit)
            documents = [orjson.dumps(item) for item in told["items"]]
            return ItemsPage(documents, told["next"], {told["logId"]: _number(told["asOf"]) - 1})

    async def close(self) -> None:
        """Does nothing: the connections are those of all requests."""

    async def ask(self, operation: Operation, **parameters: object) -> Any:
        """Sends a request and gives the parsed answer.

        Raises:
            OutOfRangeError: the log does not go on from there, or is another one.
            TwinfrontError: CHANGES_UNSUPPORTED if there is no log, or what keeps the upstream from answering.
        """
        asked = Asked(operation)
        url = self._client.format_url(f"{_PATHS[operation]}?{urlencode(parameters)}")
        request = HttpRequest("GET", url, headers={"Accept": "application/json"})
        try:
            response = await self._client.send_request(request, operation=operation)
        except AzureError as error:
            raise error_of(error, asked) from error
        status = response.status_code
        if status == HTTPStatus.GONE:
            raise OutOfRangeError
        if status in _NO_LOG:
            raise changes_unsupported()
        if status != HTTPStatus.OK:
            raise error_of(HttpResponseError(response=response), asked)
        return parse_answer(response.content)


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(value)
    return value


class RemoteReader:
    """Reads the log onwards; a request waits at the localtwins until there is something.

    Args:
        log: sends the requests.
        log_id: of the log.
        start: the number of the change to begin with.
        longest_wait: seconds.
        begun: the number of the first change of the process that serves the log, as far as it is known.
    """

    def __init__(self, log: RemoteLog, log_id: str, start: int, longest_wait: float, begun: int | None = None) -> None:
        self._log = log
        self._log_id = log_id
        self._after = start
        self._longest_wait = longest_wait
        self._begun = begun

    async def read(self, limit: int, seconds: float) -> Portion:
        """Gives what comes next.

        Raises:
            OutOfRangeError: the log does not have it, or is another one.
            TwinfrontError: what keeps the localtwins from answering; the end of the process too, since of what it told
                last another process may know nothing.
        """
        with expecting_answer():
            told = await self._log.ask(
                operations.LIST_CHANGES,
                after=self._after,
                limit=min(limit, _MOST_CHANGES),
                wait=round(min(seconds, self._longest_wait), 3),
                log=self._log_id,
            )
            begun = _number(told["begun"])
            entries = [self._entry(change) for change in told["changes"]]
        if self._begun is not None and self._after >= self._begun != begun:
            raise upstream_unavailable("The localtwins was started again.")
        self._begun = begun
        if entries:
            self._after = entries[-1].sequence + 1
        elif self._after < begun:  # between two processes there are no changes
            self._after = begun
        has_all = not entries or entries[-1].sequence + 1 == _number(told["newest"])
        complete = datetime.fromisoformat(told["time"]).timestamp() if has_all else None
        return Portion(entries, {self._log_id: self._after - 1}, complete)

    def _entry(self, told: Any) -> Entry:
        data = dumps_to_keep(told["data"])
        logged = LoggedChange(
            position=_number(told["position"]) - 1,
            type=told["type"],
            twin_id=told.get("twinId", ""),
            subject=told.get("subject", ""),
            model_id=told.get("modelId", ""),
            time=told["time"],
            message_id=told.get("messageId"),
            data=data,
            etag=told.get("etag", ""),
            previous_model_id=told.get("previousModelId", ""),
            target_id=told.get("targetId", ""),
            relationship_name=told.get("relationshipName", ""),
            previous_target_id=told.get("previousTargetId", ""),
            previous_relationship_name=told.get("previousRelationshipName", ""),
            traceparent=told.get("traceparent", ""),
            logged=ticks_of(datetime.fromisoformat(told["loggedTime"])),
        )
        change = change_of(logged, told["id"], self._log_id)
        return Entry(self._log_id, logged.position, datetime_of(logged.logged), change, len(data))

    async def close(self) -> None:
        """Does nothing: a request that waits ends with whoever reads."""


class RemoteChanges(FollowedLog):
    """Changes of a localtwins elsewhere, and its state with the position that each page was read at.

    Args:
        log: asks the localtwins.
        on_failure: told the reason whenever it cannot be followed.
    """

    def __init__(self, log: RemoteLog, on_failure: Callable[[Reason], None]) -> None:
        super().__init__(log, on_failure=on_failure)
        self._remote = log

    async def before_items(self) -> Position:
        """Gives the newest position."""
        return await self.newest()

    async def items(self, kind: Items, after: str, limit: int) -> ItemsPage:
        """Gives a page of twins or relationships, and the position that it was read at."""
        return await self._remote.items(kind, after, limit)
