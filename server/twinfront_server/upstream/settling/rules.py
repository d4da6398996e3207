"""What the state of a resource says about a write whose answer was lost.

- APPLIED: the write's effect is there. The caller gets the success that was lost.
- REPEATABLE: the write may be sent again. Either it was provably not applied, or it has no condition and does not mind:
  who asks for a change of whatever there is accepts that it lands at any moment until it is answered, and landing twice
  it does the same.
- UNCLEAR: what is there may be somebody else's, and whether this write came before cannot be told.

To a write without a condition the content is proof, unless it was there before for certain: that one is still to come,
or may be, and makes a version of its own. Success of one under a condition (an etag, or that there is
none yet) says that nobody else did it, and anybody may send the same content. There it takes more: that the content was
not there before, by the service's own times; that no other write of this process has been answered with that version;
and that none is without an answer that would have left the same. Another process is not seen; `docs/guarantees.md` says
what that leaves open.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import orjson

from twinfront_server.adt.answer import Answer
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked, Operation
from twinfront_server.upstream.settling.effects import is_as_put, is_repeatable, leaves, patch_of, sent_by, shows
from twinfront_server.upstream.settling.reads import (
    Reads,
    delete_job,
    document,
    event_route,
    import_job,
    model,
    read,
    relationship,
    twin,
)
from twinfront_server.upstream.settling.sent_writes import SentWrite, SentWrites

_DONE: Final = Answer(b"", "")


class State(Enum):
    """What the state of a resource says about a write."""

    APPLIED = "applied"
    REPEATABLE = "repeatable"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found; if the write was applied, with the answer that its caller gets."""

    state: State
    answer: Answer = _DONE


_REPEATABLE: Final = Found(State.REPEATABLE)
_UNCLEAR: Final = Found(State.UNCLEAR)


async def look(reads: Reads, writes: SentWrites, write: SentWrite) -> Found:
    """Reads what a write was about, and says what that means.

    Raises:
        TwinfrontError: what keeps the resource from being read.
    """
    rule = _RULES.get(write.asked.operation)
    return _UNCLEAR if rule is None else await rule(reads, writes, write)


_Rule = Callable[[Reads, SentWrites, SentWrite], Awaitable[Found]]
_Read = Callable[[Reads, Asked], Awaitable[Answer]]


def _put(reading: _Read, *, immutable: bool = False) -> _Rule:
    """The rule for what is created or replaced as a whole; `immutable` if it then stays as it was created."""

    async def rule(reads: Reads, writes: SentWrites, write: SentWrite) -> Found:
        answer = await read(reading(reads, write.asked))
        if answer is None:
            return _UNCLEAR if write.asked.create_only and writes.may_delete(write) else _REPEATABLE
        found = document(answer)
        if writes.was_before(write, found, answer) or write.is_younger_than(found, answer):
            return _REPEATABLE
        if not write.asked.create_only:
            return Found(State.APPLIED, answer) if is_as_put(sent_by(write.asked), found) else _REPEATABLE
        if not leaves(write.asked, found):
            return _REPEATABLE if immutable else _UNCLEAR
        return _UNCLEAR if writes.may_be_others(write, found, answer) else Found(State.APPLIED, answer)

    return rule


def _patch(reading: _Read) -> _Rule:
    """The rule for JSON Patches: what a patch leaves as it is shows the patch's effect."""

    async def rule(reads: Reads, writes: SentWrites, write: SentWrite) -> Found:
        asked = write.asked
        answer = await read(reading(reads, asked))
        if answer is None:
            was_deleted_before = not asked.wants_version or writes.deletion(write) == asked.if_match
            return _REPEATABLE if was_deleted_before else _UNCLEAR
        if asked.wants_version and answer.etag == asked.if_match:
            return Found(State.REPEATABLE, answer)
        found, patch = document(answer), patch_of(asked)
        applied = Found(State.APPLIED, Answer(b"", answer.etag))
        is_shown = shows(patch, found)
        was_there = writes.was_before(write, found, answer) or write.is_younger_than(found, answer)
        if patch and is_shown and not asked.is_exclusive and (asked.wants_version or not was_there):
            return applied
        if not asked.wants_version:
            return _REPEATABLE if is_repeatable(patch, found) else _UNCLEAR
        if writes.was_before(write, found, answer):
            return _REPEATABLE
        if write.is_younger_than(found, answer):
            # Whether a patch that changes nothing moves a twin's time is not recorded.
            return _UNCLEAR if is_shown else _REPEATABLE
        return _UNCLEAR if not leaves(asked, found) or writes.may_be_others(write, found, answer) else applied

    return rule


def _delete(reading: _Read) -> _Rule:
    """The rule for deletions."""

    async def rule(reads: Reads, writes: SentWrites, write: SentWrite) -> Found:
        asked = write.asked
        answer = await read(reading(reads, asked))
        if not asked.wants_version:
            return Found(State.APPLIED) if answer is None else _REPEATABLE
        if answer is None:
            deleted_under = writes.deletion(write)
            if deleted_under == asked.if_match:
                return _REPEATABLE
            return _UNCLEAR if deleted_under is not None or writes.may_delete(write) else Found(State.APPLIED)
        found = document(answer)
        if answer.etag == asked.if_match:
            return Found(State.REPEATABLE, answer)
        if writes.was_before(write, found, answer) or write.is_younger_than(found, answer):
            return _REPEATABLE
        return _UNCLEAR

    return rule


async def _post_models(reads: Reads, writes: SentWrites, write: SentWrite) -> Found:
    """Models are created all or none, and never change: one that is another's keeps all from being created."""
    created: list[Any] = []
    unclear = False
    for definition in sent_by(write.asked):
        answer = await read(reads.get_model(str(definition.get("@id", "")), include_model_definition=True))
        if answer is None:
            return _UNCLEAR if created else _REPEATABLE
        found = document(answer)
        if writes.was_before(write, found, answer) or write.is_younger_than(found, answer):
            return _REPEATABLE
        if found.pop("model", None) != definition:
            return _REPEATABLE
        unclear = unclear or writes.may_be_others(write, found, answer)
        created.append(found)
    return _UNCLEAR if unclear else Found(State.APPLIED, Answer(orjson.dumps(created), ""))


async def _decommission_model(reads: Reads, _writes: SentWrites, write: SentWrite) -> Found:
    answer = await read(model(reads, write.asked))
    decommissioned = answer is not None and document(answer).get("decommissioned") is True
    return Found(State.APPLIED) if decommissioned else _REPEATABLE


async def _cancel_import_job(reads: Reads, _writes: SentWrites, write: SentWrite) -> Found:
    answer = await read(import_job(reads, write.asked))
    status = "" if answer is None else str(document(answer).get("status")).lower()
    if answer is not None and status in {"cancelling", "cancelled"}:
        return Found(State.APPLIED, answer)
    return _REPEATABLE


_RULES: Final[dict[Operation, _Rule]] = {
    operations.PUT_DIGITAL_TWIN: _put(twin),
    operations.PATCH_DIGITAL_TWIN: _patch(twin),
    operations.DELETE_DIGITAL_TWIN: _delete(twin),
    operations.PATCH_COMPONENT: _patch(twin),
    operations.PUT_RELATIONSHIP: _put(relationship),
    operations.PATCH_RELATIONSHIP: _patch(relationship),
    operations.DELETE_RELATIONSHIP: _delete(relationship),
    operations.POST_MODELS: _post_models,
    operations.DECOMMISSION_MODEL: _decommission_model,
    operations.DELETE_MODEL: _delete(model),
    operations.PUT_EVENT_ROUTE: _put(event_route),
    operations.DELETE_EVENT_ROUTE: _delete(event_route),
    operations.PUT_IMPORT_JOB: _put(import_job, immutable=True),
    operations.CANCEL_IMPORT_JOB: _cancel_import_job,
    operations.DELETE_IMPORT_JOB: _delete(import_job),
    operations.POST_DELETE_JOB: _put(delete_job, immutable=True),
}
"""Telemetry has no rule: it leaves nothing to look at."""
