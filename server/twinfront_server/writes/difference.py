"""The JSON Patch that makes one state of a digital twin into another, in the operations that the service accepts.

The service wants `add` for what has no value and `replace` for what has one; takes members of an object or a map only
once it has a value, which is why such a property is added whole; and checks the result against the model, not the
steps. Arrays are replaced whole: their elements have no names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal

from twinfront_server.adt.json_pointer import pointer_to
from twinfront_server.adt.twin_json import METADATA, MODEL, SOURCE_TIME, Document, is_component, is_same, source_times
from twinfront_server.errors import invalid_argument

MAX_OPERATIONS: Final = 10_000
"""A twin of the largest size that the service takes, 32 KiB, has fewer members, and so has what replaces it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a JSON Patch; `tokens` are its path, unescaped."""

    op: Literal["add", "replace", "remove"]
    tokens: tuple[str, ...]
    value: Any = None

    @property
    def path(self) -> str:
        """The path as a JSON Pointer (RFC 6901)."""
        return pointer_to(self.tokens)

    def as_json(self) -> Document:
        """Gives the operation as the service reads it."""
        if self.op == "remove":
            return {"op": self.op, "path": self.path}
        return {"op": self.op, "path": self.path, "value": self.value}


def difference(stored: Document, wanted: Document, field: str) -> list[Operation]:
    """Gives the operations that make a stored twin into the wanted one; none if it is that already.

    `$dtId`, `$etag` and times of the service's own play no part.

    Args:
        stored: the twin as it is.
        wanted: the twin as it is to be.
        field: the field of the request that wants it, for the error.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for more than `MAX_OPERATIONS`.
    """
    operations = list(islice(_twin(stored, wanted), MAX_OPERATIONS + 1))
    if len(operations) > MAX_OPERATIONS:
        raise invalid_argument(field, f"would change more than {MAX_OPERATIONS} members of the twin")
    return operations


def _twin(stored: Document, wanted: Document) -> Iterator[Operation]:
    model = wanted[METADATA].get(MODEL)
    if model != stored[METADATA].get(MODEL):
        yield Operation("replace", (METADATA, MODEL), model)
    for name in stored | wanted:
        if not name.startswith("$"):
            yield from _member(stored, wanted, name, ())
    # A source time needs its property to be there.
    yield from _source_times(stored, wanted, ())


def _member(stored: Document, wanted: Document, name: str, holder: tuple[str, ...]) -> Iterator[Operation]:
    """Gives the operations that change a member of a twin, a component, an object or a map, below the path `holder`."""
    tokens = (*holder, name)
    if name not in wanted:
        yield Operation("remove", tokens)
        return
    value = wanted[name]
    if name not in stored:
        yield Operation("add", tokens, value)
        return
    current = stored[name]
    if type(current) is not dict or type(value) is not dict or is_component(current) != is_component(value):
        if not is_same(current, value):
            yield Operation("replace", tokens, value)
        return
    for member in current | value:
        if member != METADATA:
            yield from _member(current, value, member, tokens)
    if is_component(value):
        yield from _source_times(current, value, tokens)


def _source_times(stored: Document, wanted: Document, owner: tuple[str, ...]) -> Iterator[Operation]:
    """Gives the operations that change the source times of the properties of a twin or a component."""
    current, times = source_times(stored), source_times(wanted)
    for name, time in times.items():
        if current.get(name) != time:
            op: Literal["add", "replace"] = "replace" if name in current else "add"
            yield Operation(op, (*owner, METADATA, name, SOURCE_TIME), time)
    for name in current:
        # That of a property that goes, or becomes a component, goes with it.
        if name not in times and name in wanted and not is_component(wanted[name]):
            yield Operation("remove", (*owner, METADATA, name, SOURCE_TIME))
