"""The place from which a watch goes on: how far it is in the log, and in the state before that."""

from dataclasses import dataclass
from typing import Self

import orjson

from twinfront_server.upstream.changes.source import Items, Position


@dataclass(frozen=True, slots=True)
class InState:
    """A place in the state that comes before the changes.

    Attributes:
        items: what is being told.
        after: the place behind the last item that was told, see `ChangeSource.items`.
    """

    items: Items = Items.DIGITAL_TWINS
    after: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a watch.

    Attributes:
        log: the log's id.
        position: behind the last change that was told, or did not have to be.
        state: how far it is in the state; None if there is none, or if it has come.
        jobs: the jobs that were told of and have not ended.
        sight: what its caller was permitted to see, as `Sight.digest` has it; empty for everything.
    """

    log: str
    position: Position
    state: InState | None = None
    jobs: tuple[str, ...] = ()
    sight: str = ""

    def write(self) -> bytes:
        """Writes it down, for `read`."""
        state = None if self.state is None else [self.state.items.value, self.state.after]
        return orjson.dumps([self.log, dict(self.position), state, self.jobs, self.sight])

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Reads what `write` wrote."""
        log, position, state, jobs, sight = orjson.loads(text)
        return cls(log, position, None if state is None else InState(Items(state[0]), state[1]), tuple(jobs), sight)
