"""All watches of a server: each begins somewhere in the log, and all of them end when the server stops."""

import asyncio
import time
from contextlib import aclosing
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from twinfront.v1 import change_service_pb2 as messages
from twinfront_server.access.rules import READ_OF_MODEL
from twinfront_server.adt.change import MODELS
from twinfront_server.call import Call, current_call
from twinfront_server.errors import caller_not_permitted, changes_expired, changes_unsupported, invalid_argument
from twinfront_server.metrics import WatchMetrics
from twinfront_server.settings import Settings
from twinfront_server.upstream import Upstream
from twinfront_server.upstream.changes.source import ChangesLostError, ChangeSource, Position
from twinfront_server.watching.cursor import Cursor
from twinfront_server.watching.feed import Feed
from twinfront_server.watching.place import InState, Place
from twinfront_server.watching.sight import Sight
from twinfront_server.watching.telling import Telling
from twinfront_server.watching.watch import Messages, Watch
from twinfront_server.wire.filling import room_for_items
from twinfront_server.wire.page_token import PageTokens
from twinfront_server.wire.resume_token import ResumeTokens, resume_token_invalid, seal_for_any_watch
from twinfront_server.wire.timestamp import fill_timestamp
from twinfront_server.wire.watch import WatchOptions, watch_options

_NANO: Final = 1e-9


class Watching:
    """Serves watches.

    Args:
        upstream: what is watched.
        tokens: seals the places from which watches go on.
        settings: the server's settings.
        metrics: the series of watches.
    """

    def __init__(self, upstream: Upstream, tokens: PageTokens, settings: Settings, metrics: WatchMetrics) -> None:
        self._upstream = upstream
        self._tokens = tokens
        self._max_bytes = room_for_items(settings.max_response_bytes)
        self._metrics = metrics
        self._feed: Feed | None = None
        self._watches: set[Watch] = set()
        self._waking: asyncio.Task[None] | None = None
        metrics.streams.set_function(lambda: len(self._watches))
        metrics.lag.set_function(self._lag)

    async def watch(self, request: messages.WatchRequest) -> Messages:
        """Gives the messages of a watch.

        Raises:
            TwinfrontError: INVALID_ARGUMENT, RESUME_TOKEN_INVALID, CALLER_NOT_PERMITTED or CHANGES_UNSUPPORTED for a
                request that cannot be served; what `Watch.messages` raises.
        """
        options = watch_options(request)
        await self._upstream.require_reader()
        source = self._source()
        call = current_call()
        sight = self._sight(call, request, options)
        await self._require_models(call, request)
        tokens = ResumeTokens(self._tokens, request)
        place = await self._begin(source, options, tokens, request.resume_token, sight.digest)
        feed = self._feed = self._feed or Feed(source)
        watch = Watch(
            source,
            Cursor(source, feed, sight.reader(), place.position),
            place,
            options,
            sight,
            Telling(sight, self._upstream, has_resources=options.has_resources, as_json=options.as_json),
            lambda where: tokens.seal(where.write()),
            stopping=call.stopping,
            lifetime=call.seconds_to_go_on,
            max_bytes=self._max_bytes,
            metrics=self._metrics,
        )
        self._watches.add(watch)
        if self._waking is None and call.stopping is not None:
            self._waking = asyncio.create_task(self._wake_at(call.stopping))
        try:
            async with aclosing(watch.messages()) as told:
                async for message in told:
                    yield message
        finally:
            self._watches.discard(watch)
            if not self._watches and self._waking is not None:
                self._waking.cancel()
                self._waking = None

    async def change_log(self) -> messages.GetChangeLogResponse:
        """Tells how far the log reaches.

        Raises:
            TwinfrontError: CHANGES_UNSUPPORTED, or what keeps the source from being read.
        """
        await self._upstream.require_reader()
        source = self._source()
        call = current_call()
        sight = self._sight(call, messages.WatchRequest(), watch_options(messages.WatchRequest()))
        log_id, extent = await source.log_id(), await source.extent()

        def token(position: Position) -> str:
            return seal_for_any_watch(self._tokens, Place(log_id, position, sight=sight.digest).write())

        response = messages.GetChangeLogResponse(
            order=source.order.value,  # type: ignore[arg-type]  # the enum's numbers are the contract's
            newest_token=token(extent.newest),
            oldest_token=token(extent.oldest),
        )
        if extent.newest_time is not None:
            response.newest_time.FromDatetime(extent.newest_time)
        if extent.oldest_time is not None:
            response.oldest_time.FromDatetime(extent.oldest_time)
        return response

    def _source(self) -> ChangeSource:
        if self._upstream.changes is None:
            raise changes_unsupported()
        return self._upstream.changes

    def _sight(self, call: Call, request: messages.WatchRequest, options: WatchOptions) -> Sight:
        sees_models = READ_OF_MODEL in call.grant
        if not sees_models and any(kind.value in request.filter.kinds for kind in MODELS):
            raise caller_not_permitted(
                f"{call.principal.name} may not do this: to be told of models takes the permission models.read."
            )
        return Sight(options.wanted, call.scope, self._upstream, sees_models=sees_models)

    async def _require_models(self, call: Call, request: messages.WatchRequest) -> None:
        """Refuses models that there are not. Who may see some models alone is not told of others whether they exist."""
        if call.scope.models is not None or request.resume_token:
            return
        missing = await self._upstream.missing_model(request.filter.model_ids)
        if missing is not None:
            index = list(request.filter.model_ids).index(missing)
            raise invalid_argument(f"filter.model_ids[{index}]", "is no model that there is")

    async def _begin(
        self, source: ChangeSource, options: WatchOptions, tokens: ResumeTokens, resume_token: str, sight: str
    ) -> Place:
        log_id = await source.log_id()
        if resume_token:
            place = Place.read(tokens.open(resume_token))
            if place.log != log_id:
                raise resume_token_invalid("is of another log of changes")
            if place.sight != sight:
                raise resume_token_invalid("is of a caller who may see other things; begin anew")
            return place
        if options.start_time is not None:
            try:
                return Place(log_id, await source.at_time(options.start_time), sight=sight)
            except ChangesLostError as lost:
                raise changes_expired(lost.oldest_time) from None
        if options.has_state:
            return Place(log_id, await source.before_items(), InState(), sight=sight)
        return Place(log_id, await source.newest(), sight=sight)

    async def _wake_at(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        if self._feed is not None:
            self._feed.wake_all()

    def _lag(self) -> float:
        """Gives the age of the change that the last of the watches comes to next, in seconds."""
        times = {watch.cursor.behind_since() for watch in self._watches}
        now = time.time()
        return max((now - seconds for each in times if (seconds := _seconds(each)) is not None), default=0.0)


def _seconds(text: str) -> float | None:
    timestamp = Timestamp()
    fill_timestamp(timestamp, text)
    return timestamp.seconds + timestamp.nanos * _NANO if timestamp.seconds else None
