"""Sends writes: what their refusals mean, and what became of those whose answers are lost, is found out here."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import grpc
from azure.core import MatchConditions

from twinfront_server.adt.answer import Answer
from twinfront_server.audit import Audit
from twinfront_server.call import current_call
from twinfront_server.errors import TwinfrontError, begun_elsewhere
from twinfront_server.reasons import Reason
from twinfront_server.upstream.operation import POST_MODELS, Asked
from twinfront_server.upstream.reads import Reads
from twinfront_server.upstream.refusals.diagnosis import diagnose
from twinfront_server.upstream.sending import send
from twinfront_server.upstream.settling.sent_writes import SentWrite, SentWrites
from twinfront_server.upstream.settling.settle import settle
from twinfront_server.upstream.shaping import WriteShaper


class Writing:
    """Sends the writes of one process.

    Args:
        reads: shows how things are now, after a refusal or a lost answer.
        on_settled: told of each write whose answer was lost: `applied`, `repeated` or `unknown`.
        audit: told of every write, in the end.
        shaper: has writes wait for their turn; None for writes that wait for none.
    """

    def __init__(
        self, reads: Reads, on_settled: Callable[[str], None], audit: Audit, shaper: WriteShaper | None = None
    ) -> None:
        self._reads = reads
        self._on_settled = on_settled
        self._audit = audit
        self._shaper = shaper
        self._writes = SentWrites()

    async def write(self, asked: Asked, method: Callable[..., Any], *args: Any, **options: Any) -> Answer:
        """Sends a write, or a dry run of it if the call is one.

        Args:
            asked: what is asked for; its body goes in place of the placeholder among `args`.
            method: the SDK's.
            args: the method's.
            options: the method's.

        Raises:
            TwinfrontError: why it was not written, or that nobody knows.
        """
        call = current_call()
        if call.validate_only:
            asked = asked.as_dry_run()
            return await self._diagnosed(asked, send(asked, method, *args, **options))
        # What another replica has begun is not refused: it may have been applied, and is settled first.
        if self._shaper is not None and call.earlier_attempt is None and not self._shaper.turn_at_once(asked):
            await self._shaper.turn(asked)
        try:
            answer = await self._diagnosed(asked, self._write(asked, partial(send, asked, method, *args, **options)))
        except TwinfrontError as error:
            self._wrote(asked, error.code, reason=error.reason)
            if self._shaper is not None and error.reason is Reason.UPSTREAM_THROTTLED:
                self._shaper.slow_down(asked, error)
            raise
        except asyncio.CancelledError:
            self._wrote(asked, grpc.StatusCode.CANCELLED)
            raise
        self._wrote(asked, grpc.StatusCode.OK, etag_after=answer.etag)
        return answer

    async def _diagnosed(self, asked: Asked, sending: Awaitable[Answer]) -> Answer:
        try:
            return await sending
        except TwinfrontError as error:
            failure = error
        raise await diagnose(self._reads, self._writes, failure, asked)

    def _wrote(self, asked: Asked, code: grpc.StatusCode, *, reason: str = "", etag_after: str = "") -> None:
        """Takes down a write, and how it ended: OUTCOME_UNKNOWN or CANCELLED may have been applied."""
        self._audit.wrote(
            current_call(),
            asked.operation.name,
            code,
            ids=asked.ids,
            model_ids=list(asked.body.items) if asked.operation is POST_MODELS and asked.body else [],
            etag_before=asked.if_match if asked.wants_version else "",
            etag_after=etag_after,
            reason=reason,
        )

    async def _write(self, asked: Asked, sending: Callable[[], Awaitable[Answer]]) -> Answer:
        call = current_call()
        write = self._writes.begin(asked, call)
        try:
            if call.earlier_attempt is not None:
                return await self._settle(write, sending, begun_elsewhere(asked.path, asked.ids))
            answer = await sending()
        except TwinfrontError as error:
            if error.reason is Reason.OUTCOME_UNKNOWN:
                return await self._settle(write, sending, error)
            if error.reason is not Reason.UPSTREAM_ANSWER_UNEXPECTED:
                self._writes.refused(write)
            raise
        except asyncio.CancelledError:
            call.unfinished = (
                f"A write was under way and may have been applied, or still be: read {asked.path} before writing again."
            )
            raise
        else:
            self._writes.answered(write, answer)
            return answer
        finally:
            self._writes.end(write)

    async def _settle(self, write: SentWrite, sending: Callable[[], Awaitable[Answer]], lost: TwinfrontError) -> Answer:
        return await settle(self._reads, self._writes, write, sending, lost, self._on_settled)


def if_match_option(etag: str) -> dict[str, Any]:
    """Gives the SDK's options for the condition If-Match: none for an empty etag."""
    if not etag:
        return {}
    if etag == "*":
        return {"match_condition": MatchConditions.IfPresent}
    return {"match_condition": MatchConditions.IfNotModified, "etag": etag}


def if_none_match_option(create_only: bool) -> dict[str, Any]:  # noqa: FBT001  (the condition has two states)
    """Gives the SDK's options for the condition If-None-Match: none, or that the resource must not exist."""
    return {"match_condition": MatchConditions.IfMissing} if create_only else {}
