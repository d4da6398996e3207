"""Makes messages of changes: those that a watch sees, as what it sees them, with what it wants beside."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Final

from twinfront.v1 import change_service_pb2 as messages
from twinfront_server.adt.answer import Page
from twinfront_server.adt.change import UPDATES, Change, Kind
from twinfront_server.adt.json_text import parse_answer
from twinfront_server.adt.twin_json import Document
from twinfront_server.concurrency import for_each
from twinfront_server.upstream import Upstream
from twinfront_server.watching.feed import Entry
from twinfront_server.watching.present import if_there
from twinfront_server.watching.sight import Sight
from twinfront_server.wire.change import fill_resource, plain_message
from twinfront_server.wire.relationship import fill_listed_relationship

_READS_AT_A_TIME: Final = 16
_CREATIONS: Final = frozenset({Kind.TWIN_CREATED, Kind.RELATIONSHIP_CREATED})

Key = tuple[str, str]


class Telling:
    """Tells changes.

    Args:
        sight: what is told.
        upstream: knows how things are now.
        has_resources: whether an update comes with the resource.
        as_json: whether resources come as JSON.
    """

    def __init__(self, sight: Sight, upstream: Upstream, *, has_resources: bool, as_json: bool) -> None:
        self._sight = sight
        self._upstream = upstream
        self._has_resources = has_resources
        self._as_json = as_json

    async def tell(
        self, entries: Sequence[Entry], has_come: Callable[[Change], bool]
    ) -> AsyncGenerator[tuple[Entry, messages.Change | None]]:
        """Gives each change with the messages of it, of which there may be several, and none.

        What comes with None is the end of a change: it has been told.

        Args:
            entries: the changes.
            has_come: tells whether what a change is about is not yet to come with the state.
        """
        kinds = [await self._sight.told_as(entry) if has_come(entry.change) else None for entry in entries]
        told = [(entry, kind) for entry, kind in zip(entries, kinds, strict=True) if kind is not None]
        resources = await self._resources(told)
        for entry, kind in zip(entries, kinds, strict=True):
            if kind is not None:
                message = self._message(entry, kind, resources)
                if message is not None:
                    if kind is Kind.TWIN_DELETED and kind is not entry.change.kind:
                        message.incoming_relationships_left = await self._sight.has_lost(entry.change)
                    yield entry, message
                    if kind is Kind.TWIN_CREATED and _is_entering(entry, kind):
                        async for relationship in self._relationships_of(entry.change):
                            yield entry, relationship
            yield entry, None

    def _message(self, entry: Entry, kind: Kind, resources: dict[Key, bytes]) -> messages.Change | None:
        change = entry.change
        body = resources.get(_key(change))
        if _is_entering(entry, kind):
            if body is None:
                return None  # it has gone again, which is told when it is its turn
            message = plain_message(change, kind)
            fill_resource(message, body, as_json=self._as_json)
            return message
        if kind is not change.kind:
            message = plain_message(change, kind)
            message.etag = ""
            if not change.relationship_id:
                message.model_id = change.previous_model_id
            return message
        as_it_stands = entry.message(as_json=self._as_json)
        if body is None or kind not in UPDATES:
            return as_it_stands
        message = messages.Change()
        message.CopyFrom(as_it_stands)
        fill_resource(message, body, as_json=self._as_json)
        return message

    async def _resources(self, told: Sequence[tuple[Entry, Kind]]) -> dict[Key, bytes]:
        """Reads what is wanted of what these changes are about, as it is now."""
        wanted = {
            _key(entry.change): None
            for entry, kind in told
            if (self._has_resources and kind in UPDATES) or _is_entering(entry, kind)
        }
        if not wanted:
            return {}
        found: dict[Key, bytes] = {}

        async def read(key: Key) -> None:
            body = await self._read(*key)
            if body is not None:
                found[key] = body

        await for_each(list(wanted), _READS_AT_A_TIME, read)
        return found

    async def _read(self, digital_twin_id: str, relationship_id: str) -> bytes | None:
        answer = await if_there(
            self._upstream.relationships.get(digital_twin_id, relationship_id)
            if relationship_id
            else self._upstream.twins.get(digital_twin_id)
        )
        return None if answer is None else answer.body

    async def _relationships_of(self, change: Change) -> AsyncGenerator[messages.Change]:
        """Gives the relationships that have come into sight with a twin."""
        if Kind.RELATIONSHIP_CREATED not in self._sight.wanted.kinds:
            return
        twin_id = change.digital_twin_id
        async for item in _listed(lambda link: self._upstream.relationships.list(twin_id, "", link)):
            if await self._sight.shows_relationship(item):
                yield self._relationship(change, item)
        if not self._sight.is_limited:
            return
        async for item in _listed(lambda link: self._upstream.relationships.list_incoming(twin_id, link)):
            body = await self._read(item["$sourceId"], item["$relationshipId"])
            if body is None or item["$sourceId"] == twin_id:
                continue
            relationship = parse_answer(body)
            if await self._sight.shows_relationship(relationship):
                yield self._relationship(change, relationship)

    def _relationship(self, change: Change, item: Document) -> messages.Change:
        message = plain_message(change, Kind.RELATIONSHIP_CREATED)
        message.digital_twin_id, message.relationship_id = item["$sourceId"], item["$relationshipId"]
        message.id = f"{change.id}/{message.digital_twin_id}/{message.relationship_id}"
        message.etag = item.get("$etag", "")
        if message.digital_twin_id != change.digital_twin_id:
            message.model_id = ""
        message.relationship.SetInParent()
        fill_listed_relationship(message.relationship, item, as_json=self._as_json)
        return message


def _is_entering(entry: Entry, kind: Kind) -> bool:
    return entry.change.kind in UPDATES and kind in _CREATIONS


def _key(change: Change) -> Key:
    return change.digital_twin_id, change.relationship_id


async def _listed(fetch: Callable[[str], Awaitable[Page]]) -> AsyncGenerator[Document]:
    """Gives what a list has, page by page, as long as there is what it is of."""
    link = ""
    while True:
        page = await if_there(fetch(link))
        if page is None:
            return
        for item in page.items:
            yield item
        if not page.next_link:
            return
        link = page.next_link
