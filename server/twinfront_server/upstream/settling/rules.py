"""Judges a write whose answer was lost, by what is there now.

The verdicts:

- APPLIED: the write's effect is there. Its caller gets the success that was lost.
- REPEATABLE: the write may be sent again. Either it was provably not applied, or it has no condition and does not mind:
  who asks for a change of whatever there is accepts that it lands at any moment until it is answered, and landing twice
  it does the same.
- UNCLEAR: what is there may be a rival's, and whether this write came before cannot be told.

The rules, of which the first that fits decides; `docs/guarantees.md` tells them in prose:

    write   condition   what is read      evidence                                          verdict
    ------  ----------  ----------------  ------------------------------------------------  ----------
    put     none        nothing                                                             REPEATABLE
                        something         it was there before                               REPEATABLE
                                          it is as the write puts it                        APPLIED
                                          it is anything else                               REPEATABLE
            none there  nothing           a rival has deleted it, or may have               UNCLEAR
                                          no rival has                                      REPEATABLE
                        something         it was there before                               REPEATABLE
                                          the write could not have made it                  UNCLEAR (1)
                                          a rival could have made it as well                UNCLEAR
                                          nobody else could                                 APPLIED
    patch   none        nothing                                                             REPEATABLE
                        something         the patch changes nothing, was not there before   APPLIED
                                          the patch does the same when it lands twice       REPEATABLE
                                          it moves the elements of an array                 UNCLEAR
            an etag     nothing           a rival has deleted it under that etag            REPEATABLE
                                          nobody knows who has                              UNCLEAR
                        that etag                                                           REPEATABLE
                        another etag      the patch changes nothing, any author counts      APPLIED
                                          a rival is known to have made it                  REPEATABLE
                                          it is older than the write, no effect             REPEATABLE
                                          it is older than the write, with the effect       UNCLEAR (2)
                                          the write could not have made it, or a rival too  UNCLEAR
                                          nobody else could                                 APPLIED
    delete  none        nothing                                                             APPLIED
                        something                                                           REPEATABLE
            an etag     nothing           a rival has deleted it under that etag            REPEATABLE
                                          a rival has deleted it otherwise, or may have     UNCLEAR
                                          no rival has                                      APPLIED
                        that etag                                                           REPEATABLE
                        another etag      it was there before                               REPEATABLE
                                          it was not                                        UNCLEAR

(1) REPEATABLE for jobs, which nobody changes: somebody else's is there, and the caller is to hear that.
(2) Whether a patch that changes nothing moves a twin's time is not recorded.

Models are judged like puts where none is there, all of them together. To decommission a model or to cancel a job has no
condition, and the resource says itself whether that was done.

"It was there before" means that a rival is known to have made it (`SentWrites.disproves`), or that it is older than the
write by the service's own clock (`SentWrite.is_younger_than`). Rivals are the writes of this process about the same
resource; another process is not seen, and `docs/guarantees.md` says what that leaves open.

An example: a patch under etag 1 is lost, and what is read has etag 2 and what the patch sets. A rival may have set the
same. If no other call of this process was answered with etag 2, and none is without an answer that would have set it,
and the twin's times say that its last write touched this property and nothing else, then it was this patch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, Final

import orjson

from twinfront_server.adt.answer import Answer
from twinfront_server.adt.twin_json import Document
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Operation
from twinfront_server.upstream.reads import Reads, document, read
from twinfront_server.upstream.settling.effects import (
    could_have_made,
    is_as_put,
    is_noop_on,
    is_repeatable,
    patch_of,
    sent_by,
)
from twinfront_server.upstream.settling.sent_writes import SentWrite, SentWrites

_NO_ANSWER: Final = Answer(b"", "")


class Ruling(Enum):
    """Says what became of a write, or what may be done about it."""

    APPLIED = "applied"
    REPEATABLE = "repeatable"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Says what the state of a resource means for a write.

    Attributes:
        ruling: what it means.
        answer: of a write that was applied what its caller is answered, of a repeatable one what was read, as far as
            either is of use.
    """

    ruling: Ruling
    answer: Answer = _NO_ANSWER


_APPLIED: Final = Verdict(Ruling.APPLIED)
_REPEATABLE: Final = Verdict(Ruling.REPEATABLE)
_UNCLEAR: Final = Verdict(Ruling.UNCLEAR)


@dataclass(frozen=True)
class _Found:
    """Holds what was read, as evidence for or against a write."""

    answer: Answer
    write: SentWrite
    writes: SentWrites

    @cached_property
    def document(self) -> Document:
        """The resource; raises a TwinfrontError if it is none."""
        return document(self.answer)

    @property
    def has_etag_asked_for(self) -> bool:
        return self.answer.etag == self.write.asked.if_match

    @property
    def is_known_to_be_a_rivals(self) -> bool:
        return self.writes.disproves(self.write, self.document, self.answer)

    @property
    def is_older(self) -> bool:
        return self.write.is_younger_than(self.document, self.answer)

    @property
    def was_there_before(self) -> bool:
        return self.is_known_to_be_a_rivals or self.is_older

    @property
    def may_be_a_rivals(self) -> bool:
        return self.writes.rivals_possible(self.write, self.document, self.answer)

    @property
    def is_the_writes_own(self) -> bool:
        """Tells whether the write could have made it, and nobody else of this process."""
        return could_have_made(self.write.asked, self.document) and not self.may_be_a_rivals


async def judge(reads: Reads, writes: SentWrites, write: SentWrite) -> Verdict:
    """Reads what a write was about, and says what that means.

    Raises:
        TwinfrontError: what keeps the resource from being read.
    """
    operation = write.asked.operation
    if operation is operations.POST_MODELS:
        return await _post_models(reads, writes, write)
    rule = _RULES.get(operation)
    if rule is None:
        return _UNCLEAR
    answer = await read(reads.resource(write.asked))
    return rule(writes, write, None if answer is None else _Found(answer, write, writes))


_Rule = Callable[[SentWrites, SentWrite, _Found | None], Verdict]
"""Judges by the resource that is found; None for nothing."""


def _put(writes: SentWrites, write: SentWrite, found: _Found | None) -> Verdict:
    return _put_if_none(writes, write, found) if write.asked.create_only else _put_whatever_there_is(write, found)


def _put_whatever_there_is(write: SentWrite, found: _Found | None) -> Verdict:
    if found is None or found.was_there_before:
        return _REPEATABLE
    return Verdict(Ruling.APPLIED, found.answer) if is_as_put(sent_by(write.asked), found.document) else _REPEATABLE


def _put_if_none(
    writes: SentWrites, write: SentWrite, found: _Found | None, *, otherwise: Verdict = _UNCLEAR
) -> Verdict:
    if found is None:
        return _UNCLEAR if writes.may_delete(write) else _REPEATABLE
    if found.was_there_before:
        return _REPEATABLE
    if not could_have_made(write.asked, found.document):
        return otherwise
    return _UNCLEAR if found.may_be_a_rivals else Verdict(Ruling.APPLIED, found.answer)


def _put_job(writes: SentWrites, write: SentWrite, found: _Found | None) -> Verdict:
    """Judges the creation of what stays as it was created: if it is not as the write makes it, it never was."""
    return _put_if_none(writes, write, found, otherwise=_REPEATABLE)


def _patch(writes: SentWrites, write: SentWrite, found: _Found | None) -> Verdict:
    return _patch_version(writes, write, found) if write.asked.wants_version else _patch_whatever_there_is(write, found)


def _patch_whatever_there_is(write: SentWrite, found: _Found | None) -> Verdict:
    if found is None:
        return _REPEATABLE
    patch = patch_of(write.asked)
    # An empty patch changes nothing wherever it lands, so that it would change nothing now shows nothing.
    if patch and is_noop_on(patch, found.document) and not found.was_there_before:
        return Verdict(Ruling.APPLIED, Answer(b"", found.answer.etag))
    return _REPEATABLE if is_repeatable(patch, found.document) else _UNCLEAR


def _patch_version(writes: SentWrites, write: SentWrite, found: _Found | None) -> Verdict:
    asked = write.asked
    if found is None:
        return _REPEATABLE if writes.deletion(write) == asked.if_match else _UNCLEAR
    if found.has_etag_asked_for:
        return Verdict(Ruling.REPEATABLE, found.answer)
    patch = patch_of(asked)
    has_effect = is_noop_on(patch, found.document)
    applied = Verdict(Ruling.APPLIED, Answer(b"", found.answer.etag))
    if patch and has_effect and not asked.needs_authorship:
        return applied
    if found.is_known_to_be_a_rivals:
        return _REPEATABLE
    if found.is_older:
        return _UNCLEAR if has_effect else _REPEATABLE
    return applied if found.is_the_writes_own else _UNCLEAR


def _delete(writes: SentWrites, write: SentWrite, found: _Found | None) -> Verdict:
    if not write.asked.wants_version:
        return _APPLIED if found is None else _REPEATABLE
    if found is None:
        deleted_under = writes.deletion(write)
        if deleted_under == write.asked.if_match:
            return _REPEATABLE
        return _UNCLEAR if deleted_under is not None or writes.may_delete(write) else _APPLIED
    if found.has_etag_asked_for:
        return Verdict(Ruling.REPEATABLE, found.answer)
    return _REPEATABLE if found.was_there_before else _UNCLEAR


async def _post_models(reads: Reads, writes: SentWrites, write: SentWrite) -> Verdict:
    """Judges models, which are created all or none and never change: one of a rival's keeps all from being created."""
    created: list[Any] = []
    unclear = False
    for definition in sent_by(write.asked):
        answer = await read(reads.model(str(definition.get("@id", "")), include_model_definition=True))
        if answer is None:
            return _UNCLEAR if created else _REPEATABLE
        found = _Found(answer, write, writes)
        if found.was_there_before or found.document.pop("model", None) != definition:
            return _REPEATABLE
        unclear = unclear or found.may_be_a_rivals
        created.append(found.document)
    return _UNCLEAR if unclear else Verdict(Ruling.APPLIED, Answer(orjson.dumps(created), ""))


def _decommission_model(_writes: SentWrites, _write: SentWrite, found: _Found | None) -> Verdict:
    decommissioned = found is not None and found.document.get("decommissioned") is True
    return _APPLIED if decommissioned else _REPEATABLE


def _cancel_import_job(_writes: SentWrites, _write: SentWrite, found: _Found | None) -> Verdict:
    if found is not None and str(found.document.get("status")).lower() in {"cancelling", "cancelled"}:
        return Verdict(Ruling.APPLIED, found.answer)
    return _REPEATABLE


_RULES: Final[dict[Operation, _Rule]] = {
    operations.PUT_DIGITAL_TWIN: _put,
    operations.PATCH_DIGITAL_TWIN: _patch,
    operations.DELETE_DIGITAL_TWIN: _delete,
    operations.PATCH_COMPONENT: _patch,
    operations.PUT_RELATIONSHIP: _put,
    operations.PATCH_RELATIONSHIP: _patch,
    operations.DELETE_RELATIONSHIP: _delete,
    operations.DECOMMISSION_MODEL: _decommission_model,
    operations.DELETE_MODEL: _delete,
    operations.PUT_EVENT_ROUTE: _put,
    operations.DELETE_EVENT_ROUTE: _delete,
    operations.PUT_IMPORT_JOB: _put_job,
    operations.CANCEL_IMPORT_JOB: _cancel_import_job,
    operations.DELETE_IMPORT_JOB: _delete,
    operations.POST_DELETE_JOB: _put_job,
}
"""Telemetry has no rule: it leaves nothing to look at. Models have their own, which reads each of them."""
