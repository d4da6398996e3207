"""/query."""

from typing import Any, Final

import orjson

from localtwins import errors
from localtwins import query as language
from localtwins.engine.digital_twin import is_component, without_update_times
from localtwins.message import Response
from localtwins.query import Position, read_token, write_token
from localtwins.query.limits import DEFAULT_PAGE, LARGEST_PAGE, QUERY_LENGTH
from localtwins.rest.answers import json_answer
from localtwins.rest.bodies import read_document
from localtwins.rest.call import API_VERSION_2020, Call
from localtwins.rest.paging import page_size

_COMPILING_SECONDS: Final = 3e-6
"""Seconds that it takes to compile a character of a query."""

_LOADING_SECONDS: Final = 0.05
"""Seconds that it takes to load what compiles queries."""


async def query(call: Call) -> Response:
    """Answers a page of a query, the first one or the one that a continuation token leads to."""
    text, position = _asked(await read_document(call))
    size = page_size(call, LARGEST_PAGE) if "max-items-per-page" in call.request.headers else DEFAULT_PAGE
    queries = call.database.queries
    expected = min(len(text), QUERY_LENGTH) * _COMPILING_SECONDS if language.is_loaded() else _LOADING_SECONDS
    page = await queries.page(
        await call.workers.run(lambda: language.compile_query(text, queries.indexed), expected=expected),
        size=size,
        time_limit=call.settings.max_query_seconds,
        position=position,
    )
    rows = map(_without_update_times, page.rows) if call.api_version == API_VERSION_2020 else page.rows
    token = None if page.next is None else write_token(page.next)
    answer = json_answer(b'{"value":[%b],"continuationToken":%b}' % (b",".join(rows), orjson.dumps(token)))
    answer.headers["query-charge"] = page.charge
    return answer


def _asked(body: Any) -> tuple[str, Position | None]:
    """Gives the query of a body and the place to go on from; a token counts more than a query beside it.

    Raises:
        AdtError: InvalidArgument for a body with neither.
    """
    asked = body if type(body) is dict else {}
    token, text = asked.get("continuationToken"), asked.get("query")
    if token:
        position = read_token(token)
        return position.query, position
    if type(text) is not str:
        message = "The request body must be an object with a string query or a string continuationToken."
        raise errors.invalid_argument(message)
    return text, None


def _without_update_times(row: bytes) -> bytes:
    """Shows a row, its twins and its components as api-version 2020-10-31 does."""
    shown = orjson.loads(row)
    if is_component(shown):  # and so is a twin
        return orjson.dumps(without_update_times(shown))
    return orjson.dumps(
        {name: without_update_times(value) if is_component(value) else value for name, value in shown.items()}
    )
