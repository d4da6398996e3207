"""Remembers the writes that this process has sent, as far as they could be taken for each other.

Azure Digital Twins does not tell whose a write was, and two callers may send the same one. Of its own callers' writes
the process knows at least which versions they were answered with, and which are without an answer.
"""

import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from twinfront_server.adt.answer import Answer
from twinfront_server.adt.twin_json import Document
from twinfront_server.call import Call
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.settling.effects import could_have_made, deletion_of, version_of, versions, written_at

MAX_VERSIONS: Final = 32_768
"""How many versions are remembered after their writes have ended; some seconds' worth at full load."""

KEPT_SECONDS: Final = 60.0
MAX_KEPT: Final = 1_000
"""How long, and how many, writes are remembered that ended without an answer."""

CLOCKS_APART: Final = 2.0
"""Seconds that the clocks of the service's machines may be apart."""


@dataclass(slots=True, eq=False)
class SentWrite:
    """A write that was sent.

    Attributes:
        asked: what it asked for.
        call: on whose behalf.
        path: of the resource.
        sent: when it was sent first, be it by another replica; by the monotonic clock.
        sent_by_wall: the same by the clock on the wall.
        rival_versions: the versions that other writes of the resource were answered with since then, with their
            conditions.
        ended: when it ended without an answer that its caller heard, by the monotonic clock; None before.
    """

    asked: Asked
    call: Call
    path: str
    sent: float
    sent_by_wall: float
    rival_versions: dict[str, str] = field(default_factory=dict)
    ended: float | None = None

    def is_younger_than(self, found: Document, answer: Answer) -> bool:
        """Tells whether what was found is certainly older than this write, by the service's own clock.

        The Date of the answer, of whole seconds, tells the service's time now; when this was sent it was as much less
        as has passed here since. For example: read at 12:00:30 by the service's clock, 10 seconds after the sending. So
        this was sent at 12:00:20, and what was written before 12:00:18 is older, be the clocks apart.

        Args:
            found: the resource, which may have no time.
            answer: with which it came.
        """
        # The monotonic clock stands still while the machine sleeps, the other one may be set back.
        passed = max(time.monotonic() - self.sent, time.time() - self.sent_by_wall)
        try:
            sent = parsedate_to_datetime(answer.date).timestamp() - passed
            return datetime.fromisoformat(written_at(found)).timestamp() < sent - CLOCKS_APART
        except (OverflowError, TypeError, ValueError):
            return False


class SentWrites:
    """The writes of one process.

    A write begins, and ends with an answer, with a refusal, or without either.
    """

    def __init__(self) -> None:
        self._unanswered: dict[str, list[SentWrite]] = {}
        self._unheard: dict[str, list[SentWrite]] = {}  # those that were answered when their callers had left
        self._kept: deque[SentWrite] = deque()
        self._versions: OrderedDict[str, str] = OrderedDict()

    def begin(self, asked: Asked, call: Call) -> SentWrite:
        """Takes note of a write that is about to be sent on behalf of a call, or was by another replica."""
        ago = call.earlier_attempt or 0.0
        write = SentWrite(asked, call, asked.path, time.monotonic() - ago, time.time() - ago)
        self._unanswered.setdefault(write.path, []).append(write)
        return write

    def answered(self, write: SentWrite, answer: Answer) -> None:
        """Takes note that a write was applied, and that the answer's version is its own."""
        self._forget(write)
        if write.call.left:
            self._unheard.setdefault(write.path, []).append(write)
            self._keep(write)
        if answer.etag:
            self._versions.pop(deletion_of(write.path), None)
        for version in filter(None, versions(write.asked, answer)):
            self._versions[version] = write.asked.if_match
            for other in self._unanswered.get(write.path, ()):
                if other.ended is None:
                    other.rival_versions[version] = write.asked.if_match
        while len(self._versions) > MAX_VERSIONS:
            self._versions.popitem(last=False)

    def refused(self, write: SentWrite) -> None:
        """Takes note that a write was not applied, and will not be."""
        self._forget(write)

    def end(self, write: SentWrite) -> None:
        """Takes note that the caller of a write is answered.

        If the write was neither answered nor refused, it may have been applied, or may still be.
        """
        if write not in self._unanswered.get(write.path, ()):
            return
        self._keep(write)

    def disproves(self, write: SentWrite, found: Document, answer: Answer) -> bool:
        """Tells whether what was found shows that a write was not applied.

        Another write is known to have made it: before this one was sent, or out of the very version that this one wants
        to change. For example: two patches under etag 1 are under way, and one is answered with etag 2. If etag 2 is
        found, it was made of etag 1 by the first, so the other was not applied to that and will be refused.
        """
        version = version_of(found, answer.etag)
        if version in write.rival_versions:
            return write.asked.wants_version and write.rival_versions[version] == write.asked.if_match
        return version in self._versions

    def rivals_possible(self, write: SentWrite, found: Document, answer: Answer) -> bool:
        """Tells whether what was found is another write's, or may be one's of which nobody knows what became."""
        return version_of(found, answer.etag) in write.rival_versions or any(
            could_have_made(other.asked, found) for other in self._others(write)
        )

    def deletion(self, write: SentWrite) -> str | None:
        """Gives the condition under which another write deleted the resource; None if none is known to have."""
        version = deletion_of(write.path)
        return write.rival_versions.get(version, self._versions.get(version))

    def may_delete(self, write: SentWrite) -> bool:
        """Tells whether another write has deleted the resource in the meantime, or may have."""
        return deletion_of(write.path) in write.rival_versions or any(
            other.asked.operation.name.startswith("delete") for other in self._others(write)
        )

    def may_have_left(self, path: str, found: Document | None) -> bool:
        """Tells whether a write of whose end its caller did not hear explains what is at a path now, None for nothing.

        It may have been applied at any time since: one whose caller's deadline has passed may be on its way for long.
        """
        return any(
            other.asked.operation.name.startswith("delete") if found is None else could_have_made(other.asked, found)
            for other in (*self._unanswered.get(path, ()), *self._unheard.get(path, ()))
            if (other.ended is not None or other.call.left) and not self._is_forgotten(other)
        )

    def _others(self, write: SentWrite) -> list[SentWrite]:
        return [
            other
            for other in self._unanswered.get(write.path, ())
            if other is not write and not self._is_forgotten(other)
        ]

    def _is_forgotten(self, write: SentWrite) -> bool:
        return write.ended is not None and time.monotonic() - write.ended > KEPT_SECONDS

    def _keep(self, write: SentWrite) -> None:
        write.ended = time.monotonic()
        self._kept.append(write)
        while len(self._kept) > MAX_KEPT or self._is_forgotten(self._kept[0]):
            self._forget(self._kept.popleft())

    def _forget(self, write: SentWrite) -> None:
        for known in (self._unanswered, self._unheard):
            writes = known.get(write.path, [])
            if write in writes:
                writes.remove(write)
            if not writes:
                known.pop(write.path, None)
