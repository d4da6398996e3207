"""The state by queries before the changes of a log: begun so far back that nothing is missed."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from tests.changes.event_hub import Hub
from tests.changes.events import binary, updated
from tests.clock import Clock

from twinfront_server.adt.answer import Page
from twinfront_server.errors import TwinfrontError, invalid_argument, upstream_unavailable
from twinfront_server.reasons import Reason
from twinfront_server.upstream.changes.event_hubs import EventHubLog
from twinfront_server.upstream.changes.queried import MARGIN, QueriedChanges
from twinfront_server.upstream.changes.source import ChangesLostError, Items


class Queries:
    """Answers with pages, or an error, and remembers what was asked."""

    def __init__(self, *answers: Page | TwinfrontError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, int]] = []

    async def page(self, query: str, continuation: str, *, page_size: int, by_the_front: bool) -> Page:
        assert by_the_front
        self.asked.append((query, continuation, page_size))
        answer = self.answers.pop(0)
        if isinstance(answer, TwinfrontError):
            raise answer
        return answer


def source(hub: Hub, *answers: Page | TwinfrontError) -> tuple[QueriedChanges, Queries]:
    queries: Any = Queries(*answers)
    return QueriedChanges(EventHubLog("host/hub", hub.connect), queries), queries


async def test_the_state_is_queried_page_by_page() -> None:
    twins = [{"$dtId": "a", "$metadata": {"$model": "dtmi:a;1"}}, {"$dtId": "b"}]
    changes, queries = source(Hub(), Page(twins[:1], "next"), Page(twins[1:], ""), Page([], ""))
    first = await changes.items(Items.DIGITAL_TWINS, "", 1)
    assert (first.documents, first.next, first.as_of) == ([orjson.dumps(twins[0])], "next", None)
    second = await changes.items(Items.DIGITAL_TWINS, "next", 1)
    assert (second.documents, second.next) == ([orjson.dumps(twins[1])], None)
    await changes.items(Items.RELATIONSHIPS, "", 7)
    assert queries.asked == [
        ("SELECT * FROM digitaltwins", "", 1),
        ("SELECT * FROM digitaltwins", "next", 1),
        ("SELECT * FROM relationships", "", 7),
    ]
    await changes.close()


async def test_changes_begin_a_while_before_the_state() -> None:
    hub = Hub(begin=datetime.now(UTC) - MARGIN - timedelta(seconds=3.5))
    for number in range(10):
        hub.add(*updated("room", number))
    changes, _ = source(hub)
    assert await changes.before_items() == {"0": 3}
    await changes.close()


async def test_a_log_that_does_not_reach_back_that_far_is_followed_from_its_beginning() -> None:
    hub = Hub(begin=datetime.now(UTC) - timedelta(seconds=20))
    for number in range(10):
        hub.add(*updated("room", number))
    hub.trim(4)
    changes, _ = source(hub)
    assert await changes.before_items() == {"0": 3}
    await changes.close()


async def test_a_query_that_cannot_be_gone_on_with_is_made_anew() -> None:
    expired = invalid_argument("page_token", "is none", reason=Reason.PAGE_TOKEN_INVALID)
    changes, _ = source(Hub(), expired)
    with pytest.raises(ChangesLostError) as lost:
        await changes.items(Items.DIGITAL_TWINS, "old", 5)
    assert not lost.value.trimmed
    await changes.close()


async def test_an_outage_of_the_upstream_is_told_as_one() -> None:
    changes, _ = source(Hub(), upstream_unavailable("It is away."))
    with pytest.raises(TwinfrontError, match="It is away"):
        await changes.items(Items.DIGITAL_TWINS, "", 5)
    await changes.close()


async def test_the_first_page_waits_until_queries_show_what_an_unreadable_event_has_changed(clock: Clock) -> None:
    hub = Hub(begin=None)
    hub.add(*binary("Microsoft.DigitalTwins.Twin.Update", "room", {}))
    changes, queries = source(hub, Page([], ""), Page([], ""))
    await changes.read({}, 5)
    later = await changes.items(Items.DIGITAL_TWINS, "place", 5)
    first = asyncio.create_task(changes.items(Items.DIGITAL_TWINS, "", 5))
    await clock.advance(25)
    assert len(queries.asked) == 1
    await clock.advance(6)
    assert (await first) == later
    await changes.close()
