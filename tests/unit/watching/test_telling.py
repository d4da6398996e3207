"""What is read beside a change, of what may be gone by then."""

import pytest

from twinfront_server.adt.answer import Page
from twinfront_server.errors import TwinfrontError
from twinfront_server.reasons import Reason
from twinfront_server.watching.telling import _listed


def gone(reason: Reason) -> TwinfrontError:
    return TwinfrontError(reason, "It is not there.")


@pytest.mark.parametrize("reason", [Reason.TWIN_NOT_FOUND, Reason.CALLER_NOT_PERMITTED])
async def test_a_list_ends_where_what_it_is_of_is_gone(reason: Reason):
    async def fetch(link: str) -> Page:
        if link:
            raise gone(reason)
        return Page([{"$relationshipId": "one"}], "more")

    assert [item["$relationshipId"] async for item in _listed(fetch)] == ["one"]


async def test_a_list_that_cannot_be_read_ends_the_watch():
    async def fetch(_link: str) -> Page:
        raise gone(Reason.UPSTREAM_UNAVAILABLE)

    with pytest.raises(TwinfrontError):
        [item async for item in _listed(fetch)]
