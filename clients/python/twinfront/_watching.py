"""Knows how far a watch is: where its next stream begins, and which changes it has told behind that place."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import grpc

from twinfront import _changes
from twinfront._calls import Call
from twinfront._changes import Change, ChangeContent, ChangeKind, InitialState, OnExpired, Reset, WatchItem
from twinfront._timestamps import Timestamp, timestamp_text
from twinfront.errors import (
    CallCancelledError,
    InvalidArgumentError,
    PermissionDeniedError,
    TwinfrontError,
    UnauthenticatedError,
)
from twinfront.v1 import change_service_pb2 as rpcs
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON

REMEMBERED: Final = 1000
"""How many ids of changes a watch remembers, to know those that come again."""


class WatchCourse:
    """Follows a watch through all its streams.

    A change that comes again, as one may after a break, has the id that it had; the last of them are remembered. Not
    beyond a reset: the state that follows it may be from before such a change, which has to be told once more.

    Args:
        request: how the first stream begins.
        told: the ids of changes that were told behind its token.
    """

    def __init__(self, request: rpcs.WatchRequest, told: Iterable[str] = ()) -> None:
        self._request = request
        self._token = request.resume_token
        self._told = OrderedDict.fromkeys(told)

    @property
    def resume_token(self) -> str:
        """The token of the last message; empty before the first."""
        return self._token

    def call_from(self, _token: str = "") -> Call[rpcs.WatchRequest, rpcs.WatchResponse, list[WatchItem]]:
        """Makes the call of the next stream, which begins behind the last message of the one before."""
        if self._token:
            self._request.resume_token = self._token
            self._request.ClearField("start_time")
        return Call(self._request, self._items)

    def _items(self, response: rpcs.WatchResponse) -> list[WatchItem]:
        """Reads a message; leaves out the changes that were told before."""
        items = _changes.read_items(response, self._token)
        self._token = response.resume_token
        return [item for item in items if self._is_new(item)]

    def _is_new(self, item: WatchItem) -> bool:
        if isinstance(item, Reset):
            self._told.clear()
        if not isinstance(item, Change) or not item.id:
            return True
        if item.id in self._told:
            return False
        self._told[item.id] = None
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return True


def cannot_go_on(error: TwinfrontError, *, was_there: bool) -> bool:
    """Tells whether a watch that failed so would fail so again, however often it is tried.

    Args:
        error: what it failed with.
        was_there: tells whether it has brought something before: credentials that were good once may be so again.
    """
    if isinstance(error, UnauthenticatedError):
        return not was_there
    is_unknown = error.code is grpc.StatusCode.UNIMPLEMENTED
    return is_unknown or isinstance(error, InvalidArgumentError | PermissionDeniedError | CallCancelledError)


def watch_request(
    *,
    resume_token: str = "",
    start_time: datetime | Timestamp | str | None = None,
    initial_state: InitialState = "none",
    on_expired: OnExpired = "fail",
    digital_twin_ids: Iterable[str] = (),
    digital_twin_id_prefixes: Iterable[str] = (),
    model_ids: Iterable[str] = (),
    kinds: Iterable[ChangeKind | str] = (),
    paths: Iterable[str] = (),
    relationship_names: Iterable[str] = (),
    content: ChangeContent = "patch",
    checkpoint_interval: timedelta | float | None = None,
) -> rpcs.WatchRequest:
    """Makes the request of a watch.

    Raises:
        ValueError: A word that is none of those that there are, or a time that cannot be read.
        TypeError: A text where a list of them is wanted, which would be taken for its letters.
    """
    request = rpcs.WatchRequest(
        resume_token=resume_token,
        initial_state=_known("initial_state", initial_state, _changes.INITIAL_STATES),
        on_expired=_known("on_expired", on_expired, _changes.ON_EXPIRED),
        filter=rpcs.ChangeFilter(
            digital_twin_ids=_texts("digital_twin_ids", digital_twin_ids),
            digital_twin_id_prefixes=_texts("digital_twin_id_prefixes", digital_twin_id_prefixes),
            model_ids=_texts("model_ids", model_ids),
            kinds=map(_changes.kind_number, _texts("kinds", kinds)),
            paths=_texts("paths", paths),
            relationship_names=_texts("relationship_names", relationship_names),
        ),
        content=_known("content", content, _changes.CONTENTS),
        representation=REPRESENTATION_JSON,
    )
    if start_time is not None:
        request.start_time.CopyFrom(_changes.time_message(Timestamp(timestamp_text(start_time))))
    if checkpoint_interval is not None:
        request.checkpoint_interval.FromTimedelta(_interval(checkpoint_interval))
    return request


def _interval(interval: timedelta | float) -> timedelta:
    """Makes a `timedelta` of what may be seconds."""
    return interval if isinstance(interval, timedelta) else timedelta(seconds=interval)


def _known(name: str, word: str, numbers: Mapping[str, Any]) -> Any:
    if word not in numbers:
        raise ValueError(f"{name} is {word!r}, and not one of {', '.join(map(repr, numbers))}")
    return numbers[word]


def _texts(name: str, values: Iterable[str]) -> list[str]:
    if isinstance(values, str):
        raise TypeError(f"{name} is a list, and not one of its elements: put it in brackets")
    return list(values)
