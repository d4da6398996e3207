"""Settling writes whose answers were lost.

A write is sent once. If its answer does not come, it may have been applied, and sending it again blindly would make it
meet itself: a conflict, something that is there already, something that is gone. So the resource is read first, and
the rule of the operation says what its state means:

- APPLIED: the write's effect is there. The caller gets the success that was lost.
- REPEATABLE: the write may be sent again. Either it was provably not applied (the etag of its condition is still
  current, what it creates is not there), or it has no condition and does not mind: who asks for a change of whatever
  there is accepts that it lands at any moment until it is answered, and landing twice it does the same.
- UNCLEAR: somebody else has written since, and whether this write came before cannot be told.

What a write that was sent again is refused with may be its own doing, so it goes through the same rule before anybody
hears of it.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol

import orjson

from twinfront_server.call import current_call
from twinfront_server.errors import TwinfrontError
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.answer import Answer
from twinfront_server.upstream.operation import Asked, Operation
from twinfront_server.wire.json_text import parse_answer

MAX_REPEATS: Final = 6
"""How often a write is sent again."""

LONGEST: Final = 30.0
"""Seconds that settling takes at the most; less if the call's deadline is nearer."""

_FIRST_BACKOFF: Final = 0.05
_LONGEST_BACKOFF: Final = 2.0
_MARGIN: Final = 0.1
_LOST: Final = frozenset({"OUTCOME_UNKNOWN", "UPSTREAM_UNAVAILABLE", "UPSTREAM_THROTTLED"})
_NOT_FOUND: Final = frozenset(
    {
        "TWIN_NOT_FOUND",
        "RELATIONSHIP_NOT_FOUND",
        "COMPONENT_NOT_FOUND",
        "MODEL_NOT_FOUND",
        "EVENT_ROUTE_NOT_FOUND",
        "JOB_NOT_FOUND",
    }
)
_DONE: Final = Answer(b"", "")


class Reads(Protocol):
    """The operations of the upstream that settling takes."""

    async def get_digital_twin(self, digital_twin_id: str) -> Answer:
        """Reads a digital twin."""

    async def get_component(self, digital_twin_id: str, component_name: str) -> Answer:
        """Reads a component; the etag is its twin's."""

    async def get_relationship(self, digital_twin_id: str, relationship_id: str) -> Answer:
        """Reads a relationship."""

    async def get_model(self, model_id: str, *, include_model_definition: bool) -> Answer:
        """Reads a model."""

    async def get_event_route(self, event_route_id: str) -> Answer:
        """Reads an event route."""

    async def get_import_job(self, job_id: str) -> Answer:
        """Reads an import job."""

    async def get_delete_job(self, job_id: str) -> Answer:
        """Reads a delete job."""


class State(Enum):
    """What the state of a resource says about a write."""

    APPLIED = "applied"
    REPEATABLE = "repeatable"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, and if the write was applied, the answer that its caller gets."""

    state: State
    answer: Answer = _DONE


_REPEATABLE: Final = Found(State.REPEATABLE)
_UNCLEAR: Final = Found(State.UNCLEAR)


async def settle(
    reads: Reads,
    asked: Asked,
    send: Callable[[], Awaitable[Answer]],
    lost: TwinfrontError,
    count: Callable[[str], None],
) -> Answer:
    """The answer of a write whose answer was lost.

    Args:
        reads: where to look.
        asked: the write.
        send: sends it once more.
        lost: the error that says so.
        count: told how it was settled: `applied`, `repeated` or `unknown`.

    Raises:
        TwinfrontError: `lost` if it cannot be settled in time, or what the write is refused with.
    """
    remaining = current_call().remaining()
    bound = LONGEST if remaining is None else min(LONGEST, max(0.0, remaining - _MARGIN))
    outcome = "unknown"
    try:
        async with asyncio.timeout(bound):
            answer, outcome = await _settle(reads, asked, send, lost)
            return answer
    except TimeoutError:
        raise lost from None
    except TwinfrontError as error:
        if error is not lost:
            outcome = "repeated"
        raise
    finally:
        count(outcome)


async def _settle(
    reads: Reads, asked: Asked, send: Callable[[], Awaitable[Answer]], lost: TwinfrontError
) -> tuple[Answer, str]:
    for repeat in range(MAX_REPEATS):
        found = await _look(reads, asked, lost)
        if found.state is State.APPLIED:
            return found.answer, "applied"
        if found.state is State.UNCLEAR:
            raise lost
        await asyncio.sleep(min(_FIRST_BACKOFF * 4**repeat, _LONGEST_BACKOFF) * random.uniform(0.5, 1.0))  # noqa: S311
        try:
            return await send(), "repeated"
        except TwinfrontError as refusal:
            if refusal.reason in _LOST:
                continue
            found = await _look(reads, asked, lost)
            if found.state is State.APPLIED:
                return found.answer, "applied"
            raise (refusal if found.state is State.REPEATABLE else lost) from None
    found = await _look(reads, asked, lost)
    if found.state is State.APPLIED:
        return found.answer, "applied"
    raise lost


async def _look(reads: Reads, asked: Asked, lost: TwinfrontError) -> Found:
    rule = _RULES.get(asked.operation)
    if rule is None:
        return _UNCLEAR
    try:
        return await rule(reads, asked)
    except TwinfrontError:
        raise lost from None


async def _read(reading: Awaitable[Answer]) -> Answer | None:
    """What is there; None for nothing."""
    try:
        return await reading
    except TwinfrontError as error:
        if error.reason in _NOT_FOUND:
            return None
        raise


def _twin(reads: Reads, asked: Asked) -> Awaitable[Answer]:
    return reads.get_digital_twin(asked.ids["digital_twin_id"])


def _component(reads: Reads, asked: Asked) -> Awaitable[Answer]:
    return reads.get_component(asked.ids["digital_twin_id"], asked.ids["component_name"])


def _relationship(reads: Reads, asked: Asked) -> Awaitable[Answer]:
    return reads.get_relationship(asked.ids["digital_twin_id"], asked.ids["relationship_id"])


def _model(reads: Reads, asked: Asked) -> Awaitable[Answer]:
    return reads.get_model(asked.ids["model_id"], include_model_definition=False)


def _event_route(reads: Reads, asked: Asked) -> Awaitable[Answer]:
    return reads.get_event_route(asked.ids["event_route_id"])


def _import_job(reads: Reads, asked: Asked) -> Awaitable[Answer]:
    return reads.get_import_job(asked.ids["job_id"])


_Rule = Callable[[Reads, Asked], Awaitable[Found]]
_Read = Callable[[Reads, Asked], Awaitable[Answer]]


def _put(read: _Read, *, create_only_repeats: bool = False) -> _Rule:
    """The rule for what is created or replaced as a whole."""

    async def rule(reads: Reads, asked: Asked) -> Found:
        answer = await _read(read(reads, asked))
        if answer is None:
            return _REPEATABLE
        if _is_as_sent(_sent(asked), parse_answer(answer.body)):
            return Found(State.APPLIED, answer)
        return _UNCLEAR if asked.create_only and not create_only_repeats else _REPEATABLE

    return rule


def _patch(read: _Read) -> _Rule:
    """The rule for JSON Patches: what a patch leaves as it is shows the patch's effect."""

    async def rule(reads: Reads, asked: Asked) -> Found:
        answer = await _read(read(reads, asked))
        if answer is None or (_is_etag(asked.if_match) and answer.etag == asked.if_match):
            return _REPEATABLE
        operations_sent = _sent(asked)
        document = parse_answer(answer.body)
        if operations_sent and _patched(document, operations_sent) == document:
            return Found(State.APPLIED, Answer(b"", answer.etag))
        return _UNCLEAR if _is_etag(asked.if_match) else _REPEATABLE

    return rule


def _delete(read: _Read) -> _Rule:
    """The rule for deletions."""

    async def rule(reads: Reads, asked: Asked) -> Found:
        answer = await _read(read(reads, asked))
        if answer is None:
            return Found(State.APPLIED)
        return _UNCLEAR if _is_etag(asked.if_match) and answer.etag != asked.if_match else _REPEATABLE

    return rule


async def _post_models(reads: Reads, asked: Asked) -> Found:
    """Models are created all or none, and never change: the first one tells whether to look at the others."""
    created: list[Any] = []
    for document in _sent(asked):
        answer = await _read(reads.get_model(str(document.get("@id", "")), include_model_definition=True))
        if answer is None:
            return _UNCLEAR if created else _REPEATABLE
        model = parse_answer(answer.body)
        if model.pop("model", None) != document:
            return _REPEATABLE  # it is somebody else's, and this write is refused because of it
        created.append(model)
    return Found(State.APPLIED, Answer(orjson.dumps(created), ""))


async def _decommission_model(reads: Reads, asked: Asked) -> Found:
    answer = await _read(_model(reads, asked))
    decommissioned = answer is not None and parse_answer(answer.body).get("decommissioned") is True
    return Found(State.APPLIED) if decommissioned else _REPEATABLE


async def _cancel_import_job(reads: Reads, asked: Asked) -> Found:
    answer = await _read(_import_job(reads, asked))
    status = "" if answer is None else str(parse_answer(answer.body).get("status")).lower()
    if answer is not None and status in {"cancelling", "cancelled"}:
        return Found(State.APPLIED, answer)
    return _REPEATABLE


async def _post_delete_job(reads: Reads, asked: Asked) -> Found:
    """Without an id of the caller's there is no telling which job it would be."""
    if not asked.ids["job_id"]:
        return _UNCLEAR
    answer = await _read(reads.get_delete_job(asked.ids["job_id"]))
    return _REPEATABLE if answer is None else Found(State.APPLIED, answer)


_RULES: Final[dict[Operation, _Rule]] = {
    operations.PUT_DIGITAL_TWIN: _put(_twin),
    operations.PATCH_DIGITAL_TWIN: _patch(_twin),
    operations.DELETE_DIGITAL_TWIN: _delete(_twin),
    operations.PATCH_COMPONENT: _patch(_component),
    operations.PUT_RELATIONSHIP: _put(_relationship),
    operations.PATCH_RELATIONSHIP: _patch(_relationship),
    operations.DELETE_RELATIONSHIP: _delete(_relationship),
    operations.POST_MODELS: _post_models,
    operations.DECOMMISSION_MODEL: _decommission_model,
    operations.DELETE_MODEL: _delete(_model),
    operations.PUT_EVENT_ROUTE: _put(_event_route),
    operations.DELETE_EVENT_ROUTE: _delete(_event_route),
    operations.PUT_IMPORT_JOB: _put(_import_job, create_only_repeats=True),
    operations.CANCEL_IMPORT_JOB: _cancel_import_job,
    operations.DELETE_IMPORT_JOB: _delete(_import_job),
    operations.POST_DELETE_JOB: _post_delete_job,
}
"""Telemetry has no rule: it leaves nothing to look at."""


def _is_etag(if_match: str) -> bool:
    return if_match not in {"", "*"}


def _sent(asked: Asked) -> Any:
    return [] if asked.body is None else orjson.loads(asked.body.content)


def _is_as_sent(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether a stored document is what a put of `sent` makes: all that was sent, and nothing that was not.

    Members that begin with `$`, and what the service keeps in `$metadata`, count only if they were sent; those that
    every put ignores (ids, etags, update times) do not count at all.
    """
    if not all(name in stored for name in sent if not name.startswith("$")):
        return False
    for name, value in stored.items():
        if name == "$metadata":
            if not _is_metadata_as_sent(sent.get(name) or {}, value):
                return False
        elif name.startswith("$"):
            if name in {"$targetId", "$relationshipName"} and sent.get(name) != value:
                return False
        elif type(value) is dict and "$metadata" in value:
            if not _is_as_sent(sent.get(name) or {}, value):
                return False
        elif name not in sent and name in _JOBS_OWN:
            continue
        elif name not in sent or sent[name] != value:
            return False
    return True


_JOBS_OWN: Final = frozenset(
    {
        "id",
        "status",
        "createdDateTime",
        "lastActionDateTime",
        "finishedDateTime",
        "purgeDateTime",
        "error",
    }
)
"""What the service adds to a job or an event route."""


def _is_metadata_as_sent(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    if "$model" in stored and sent.get("$model") != stored["$model"]:
        return False
    return _source_times(stored) == _source_times(sent)


def _source_times(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: entry["sourceTime"] for name, entry in metadata.items() if type(entry) is dict and "sourceTime" in entry
    }


def _patched(document: dict[str, Any], patch: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The document with the patch applied, a removal of what is not there included; None if a path leads nowhere."""
    patched = deepcopy(document)
    for operation in patch:
        *way, name = [
            segment.replace("~1", "/").replace("~0", "~") for segment in operation["path"].removeprefix("/").split("/")
        ]
        owner: Any = patched
        for segment in way:
            owner = owner.get(segment) if isinstance(owner, dict) else None
        if operation["op"] == "remove":
            if isinstance(owner, dict):
                owner.pop(name, None)
        elif isinstance(owner, dict):
            owner[name] = operation["value"]
        else:
            return None
    return patched
