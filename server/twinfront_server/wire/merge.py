"""Merges (RFC 7396) as requests have them: an `ObjectValue`, or JSON text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeAlias

from twinfront.v1.value_pb2 import ObjectValue
from twinfront_server.adt.twin_json import METADATA, MODEL, SOURCE_TIME, is_component
from twinfront_server.errors import MAX_LISTED, entry, invalid_argument, invalid_fields
from twinfront_server.wire.json_field import parse_json_object, require_moderate_depth
from twinfront_server.wire.value import plain_fields

_TYPED: Final = "merge"
_TEXT: Final = "merge_json"


@dataclass(frozen=True, slots=True)
class Merge:
    """The changes, and the field of the request that has them."""

    document: dict[str, Any]
    field: str

    def field_at(self, tokens: Sequence[str]) -> str:
        """Gives the proto path of the innermost changed member on the way of a JSON Pointer; JSON text is one field."""
        if self.field == _TEXT:
            return _TEXT
        path, member, value = self.field, "fields", self.document
        for token in tokens:
            if type(value) is not dict or token not in value:
                break
            path, member, value = entry(f"{path}.{member}", token), "object_value.fields", value[token]
        return path


def merge_of(merge: ObjectValue | None, merge_json: bytes, digital_twin_id: str) -> Merge:
    """Gives the merge of a request.

    Args:
        merge: its typed form; None if it is not set.
        merge_json: its JSON form; empty if it is not set.
        digital_twin_id: the twin that it is for.

    Raises:
        TwinfrontError: INVALID_ARGUMENT if it is in neither form, or in both; for values that JSON cannot say; for
            members that no merge can change.
    """
    if merge_json:
        if merge is not None:
            raise invalid_argument(_TEXT, "must be empty when merge is set")
        document = parse_json_object(merge_json, _TEXT)
        require_moderate_depth(document, _TEXT)
        read = Merge(document, _TEXT)
    elif merge is not None:
        read = Merge(plain_fields(merge.fields, f"{_TYPED}.fields"), _TYPED)
    else:
        raise invalid_argument(_TYPED, "is required, here or as merge_json")
    _check(read, digital_twin_id)
    return read


def _check(merge: Merge, digital_twin_id: str) -> None:
    """Refuses members that no merge can change, each by its own path; of very many the first ones."""
    problems = list(islice(_problems(merge.document, digital_twin_id), MAX_LISTED))
    if problems:
        raise invalid_fields((merge.field_at(tokens), description) for tokens, description in problems)


_Problem: TypeAlias = tuple[tuple[str, ...], str]
"""The way to a member, and what is wrong with it."""


def _problems(document: Mapping[str, Any], digital_twin_id: str) -> Iterator[_Problem]:
    for name, value in document.items():
        if name == METADATA:
            yield from _metadata_problems((METADATA,), value)
        elif name == "$dtId":
            if value != digital_twin_id:
                yield (name,), "$dtId must be absent or equal to digital_twin_id"
        elif name == "$etag":
            yield (name,), "$etag cannot be merged; the condition is if_match"
        elif not name or name.startswith("$"):
            yield (name,), f"no property or component is called {name!r}"
        elif is_component(value):
            yield from _metadata_problems((name, METADATA), value[METADATA])


def _metadata_problems(way: tuple[str, ...], metadata: object) -> Iterator[_Problem]:
    if not isinstance(metadata, Mapping):
        yield way, "$metadata must be an object"
        return
    for name, value in metadata.items():
        if name == MODEL and len(way) == 1:
            if type(value) is not str:
                yield (*way, name), "$model must be the DTMI of a model"
        elif name.startswith("$"):
            yield (*way, name), f"{name} cannot be set"
        elif isinstance(value, Mapping):
            for member in value:
                if member != SOURCE_TIME:
                    yield (*way, name, member), f"{member} cannot be set; of a property only sourceTime can"
        elif value is not None:
            yield (*way, name), "must be an object with sourceTime"
