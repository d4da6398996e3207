"""/localtwins/changes[/items]: the log of changes for followers elsewhere, which Azure Digital Twins does not have.

No api-version is asked for.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from localtwins import errors, limits
from localtwins.engine.clock import parse_time, twin_time
from localtwins.message import Response
from localtwins.rest.answers import json_answer
from localtwins.rest.call import Call
from localtwins.store.change import Change
from localtwins.store.change_log import ChangeLog, ChangeLogClosedError, ChangesLostError, Items

_DEFAULT_LIMIT: Final = 100
_WHOLE: Final = re.compile(r"\d{1,18}", re.ASCII)
_SECONDS: Final = re.compile(r"\d{1,4}(\.\d{1,6})?", re.ASCII)


async def list_all(call: Call) -> Response:
    """Lists changes behind a position or from a time on, by default behind the newest position.

    While there are none, a caller that says how long it would `wait` gets its answer once there are some, or then.
    """
    log = _log(call)
    limit, seconds = _limit(call), _wait(call)
    try:
        after = _after(call, log)
        # The time comes first: whoever reads on to the newest position has all that was logged before it.
        now, changes = datetime.now(UTC), log.read(after, limit)
        if seconds and limit and not changes:
            await _wait_for_changes(call, after, seconds)
            now, changes = datetime.now(UTC), log.read(after, limit)
    except ChangesLostError as lost:
        raise errors.changes_lost(lost.extent.oldest, lost.extent.newest) from None
    extent = log.extent()
    body = {
        "logId": str(log.log_id),
        "after": after,
        "oldest": extent.oldest,
        "newest": extent.newest,
        "begun": extent.begun,
        "oldestTime": extent.oldest_time,
        "newestTime": extent.newest_time,
        "time": now,
        "changes": [_shown(change, log) for change in changes],
    }
    return json_answer(orjson.dumps(body, option=orjson.OPT_UTC_Z))


async def list_items(call: Call) -> Response:
    """Lists all twins or relationships, page by page, each with the position that it was read at."""
    log = _log(call)
    wanted = call.parameter("kind")
    try:
        kind = Items(wanted)
    except ValueError:
        kinds = " or ".join(kind.value for kind in Items)
        message = f"The query parameter kind must be {kinds}, and not {wanted!r}."
        raise errors.invalid_argument(message) from None
    page = log.items(kind, call.parameter("after") or "", _limit(call) or _DEFAULT_LIMIT)
    body = {
        "logId": str(log.log_id),
        "asOf": page.as_of,
        "next": page.next,
        "items": [orjson.Fragment(document) for document in page.documents],
    }
    return json_answer(orjson.dumps(body))


def _log(call: Call) -> ChangeLog:
    """Gives the log, if it is the one that the caller has read before.

    Raises:
        AdtError: ChangeLogReplaced.
    """
    known = call.parameter("log")
    if known is not None and known.lower() != str(call.changes.log_id):
        raise errors.change_log_replaced(str(call.changes.log_id))
    return call.changes


def _after(call: Call, log: ChangeLog) -> int:
    after, time = call.parameter("after"), call.parameter("time")
    if after is not None and time is not None:
        raise errors.invalid_argument("The query parameters after and time exclude each other.")
    if after is not None:
        if not _WHOLE.fullmatch(after):
            raise errors.invalid_argument(f"The query parameter after must be a position, and not {after!r}.")
        return int(after)
    if time is not None:
        return log.at_time(_time(time))
    return log.extent().newest


def _time(value: str) -> datetime:
    try:
        return parse_time(value)
    except ValueError:
        message = f"The query parameter time must be an RFC 3339 time, and not {value!r}."
        raise errors.invalid_argument(message) from None


def _limit(call: Call) -> int:
    value = call.parameter("limit")
    if value is None:
        return _DEFAULT_LIMIT
    if not _WHOLE.fullmatch(value) or int(value) > limits.CHANGES:
        message = f"The query parameter limit must be a whole number up to {limits.CHANGES}, and not {value!r}."
        raise errors.invalid_argument(message)
    return int(value)


def _wait(call: Call) -> float:
    value = call.parameter("wait")
    if value is None:
        return 0
    if not _SECONDS.fullmatch(value) or float(value) > limits.WAIT_SECONDS:
        message = f"The query parameter wait must be seconds, {limits.WAIT_SECONDS} at the most, and not {value!r}."
        raise errors.invalid_argument(message)
    return float(value)


async def _wait_for_changes(call: Call, after: int, seconds: float) -> None:
    if call.changes.waiting >= limits.WAITING_REQUESTS:
        raise errors.too_many_waiting()
    with suppress(ChangeLogClosedError):  # who waits gets an answer all the same
        await call.changes.wait(after, seconds)


def _shown(change: Change, log: ChangeLog) -> Mapping[str, Any]:
    """Gives a change without what is empty in it."""
    texts = {
        "twinId": change.twin_id,
        "subject": change.subject,
        "modelId": change.model_id,
        "messageId": change.message_id,
        "etag": change.etag,
        "previousModelId": change.previous_model_id,
        "targetId": change.target_id,
        "relationshipName": change.relationship_name,
        "previousTargetId": change.previous_target_id,
        "previousRelationshipName": change.previous_relationship_name,
        "traceparent": change.traceparent,
    }
    return {
        "position": change.position,
        "id": change.id_in(log.log_id),
        "type": change.type,
        "time": change.time,
        "loggedTime": twin_time(change.logged),
        **{name: text for name, text in texts.items() if text},
        "data": orjson.Fragment(change.data),
    }
