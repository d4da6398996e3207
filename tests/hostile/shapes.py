"""Hostile requests for whatever RPCs there are: each field of a request, near the size of the largest message.

They are made from the descriptors, so that an RPC or a field that comes new has its own from the first day.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2 import DigitalTwinWrite
from twinfront_server.wire.limits import MAX_BATCH, MAX_OPERATIONS, MAX_VALUES

from . import documents, wire

Make = Callable[[int], bytes]
"""Content of about so many bytes."""

GOOD: dict[str, str] = {
    "digital_twin_id": "room",
    "component_name": "thermostat",
    "relationship_id": "r",
    "model_id": documents.MODEL_ID,
    "query": "SELECT * FROM digitaltwins",
    "event_route_id": "route",
    "endpoint_name": "events",
    "job_id": "job",
    "input_blob_uri": "file:in.ndjson",
    "output_blob_uri": "file:out.log",
    "DigitalTwin.id": "room",
    "Relationship.id": "r",
    "Relationship.source_id": "room",
    "Relationship.target_id": "hall",
    "Relationship.name": "feeds",
    "path": "/note",
}
"""What fields have that are not meant to be hostile, so that a request gets as far as can be."""

UNDER_CONDITION = {"if_match": "*"}
"""What makes a write go a longer way."""

_ADD = 1


@dataclass(frozen=True)
class Shape:
    """One hostile request.

    Attributes:
        method: the RPC.
        name: what is hostile about it.
        make: the request, serialized, of about so many bytes.
    """

    method: MethodDescriptor
    name: str
    make: Make = field(repr=False)

    @property
    def writes(self) -> int:
        """How many writes it asks for, each of which costs what a call of its own does."""
        return MAX_BATCH if "as many twins" in self.name else 1

    @property
    def field(self) -> str:
        """The field of the request that is hostile, or has in it what is."""
        return re.split(r"\W", self.name, maxsplit=1)[0]

    @property
    def path(self) -> str:
        return f"/{self.method.containing_service.full_name}/{self.method.name}"

    def __str__(self) -> str:
        return f"{self.method.name}: {self.name}"


def shapes(method: MethodDescriptor) -> Iterator[Shape]:
    """The hostile requests for an RPC."""
    for name, make in _of_message(method.input_type, {}):
        yield Shape(method, name, make)
    if "if_match" in method.input_type.fields_by_name:
        for name, make in _of_message(method.input_type, UNDER_CONDITION):
            if "." in name or "merge" in name or "patch" in name:
                yield Shape(method, f"{name}, under a condition", make)


def samples(methods: Iterable[MethodDescriptor]) -> Iterator[Shape]:
    """Of all hostile requests for some RPCs one of each kind, and one for each field of each RPC."""
    kinds: set[str] = set()
    for method in methods:
        for shape in shapes(method):
            own = {shape.name.rpartition(".")[2], f"{method.full_name}.{shape.field}"}
            if not own <= kinds:
                kinds |= own
                yield shape


def good_request(message: Descriptor) -> bytes:
    """A request with nothing hostile in it, of which each field that has a message has one of its kind."""
    content = _good_fields(message, None, {})
    for each in message.fields:
        inner = each.message_type
        if inner is not None and not inner.full_name.startswith(("google.", "twinfront.v1.Value")):
            content += wire.field(each, _good_fields(inner, None, {}))
    return content


def _of_message(message: Descriptor, extra: dict[str, str]) -> Iterator[tuple[str, Make]]:
    for each in message.fields:
        for name, make in _of_field(each):
            yield name, _with(_good_fields(message, each, extra), make)


def _of_field(each: FieldDescriptor) -> Iterator[tuple[str, Make]]:
    for name, make in _contents(each):
        yield f"{each.name}{name}", make


def _contents(each: FieldDescriptor) -> Iterator[tuple[str, Make]]:
    """The field with its tags, in all shapes."""
    inner = each.message_type
    if inner is not None and inner.GetOptions().map_entry:
        yield from _maps(each, inner.fields_by_name["value"].message_type)
    elif each.is_repeated:
        yield from _lists(each)
    elif inner is not None and inner.full_name == "twinfront.v1.Value":
        for name, make in documents.VALUES.items():
            yield f" is {name}", _wrapped(each, make)
    elif inner is not None:
        for name, make in _of_message(inner, {}):
            yield f".{name}", _wrapped(each, make)
    elif each.type in {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}:
        for name, make in documents.texts(each.name, is_text=each.type == FieldDescriptor.TYPE_STRING).items():
            yield f" is {name}", _wrapped(each, make)


def _maps(each: FieldDescriptor, value: Descriptor | None) -> Iterator[tuple[str, Make]]:
    def one(key: bytes, make: Make) -> Make:
        return lambda size: wire.field(each, wire.entry(key, make(size)))

    yield " has empty entries", lambda size: wire.field(each, b"") * (size // 2)
    yield " has many entries", lambda size: documents.many(size, lambda key: wire.field(each, wire.entry(key, b"")))
    yield " has a long name", lambda size: wire.field(each, wire.entry(b"n" * size, wire.INT))
    if value is None:
        return
    if value.full_name == "twinfront.v1.Value":
        yield (
            " has many members",
            lambda size: documents.many(size, lambda key: wire.field(each, wire.entry(key, wire.INT))),
        )
        yield (
            " has as many members as may be",
            lambda size: documents.many(
                documents.share(size, MAX_VALUES) * 15, lambda key: wire.field(each, wire.entry(key, wire.INT))
            ),
        )
        for name, make in documents.VALUES.items():
            yield f" has {name}", one(b"note", make)
        yield (
            " has a long name above many values",
            lambda size: wire.field(each, wire.entry(b"n" * (size // 2), documents.VALUES["many numbers"](size // 2))),
        )
        return
    for name, make in _of_message(value, {}):
        yield f"[].{name}", one(b"thermostat", make)


def _lists(each: FieldDescriptor) -> Iterator[tuple[str, Make]]:
    inner = each.message_type
    yield " are empty", lambda size: wire.field(each, b"") * (size // 2)
    if inner is None:
        yield " are many", lambda size: documents.many(size, lambda key: wire.field(each, key))
        for name, make in documents.texts(each.name, is_text=True).items():
            yield f"[] is {name}", _wrapped(each, make)
        for name, parts in documents.lists_of_texts(each.name).items():
            yield f" are {name}", partial(_texts, each, parts)
        return
    good = _good_fields(inner, None, {})
    yield " are many", lambda size: wire.field(each, good) * (size // (len(good) + 4))
    if inner.name == "JsonPatchOperation":
        yield " are as many as may be", lambda size: wire.field(each, good) * documents.share(size, MAX_OPERATIONS)
    if inner.name == "DigitalTwinWrite":
        for name in ("many unknown properties", "many numbers", "a long text"):
            yield f" are as many twins of {name} as may be", partial(_writes, each, documents.JSON[name])
    for name, make in _of_message(inner, {}):
        yield f"[].{name}", _wrapped(each, make)


def _texts(each: FieldDescriptor, make: Callable[[int], list[bytes]], size: int) -> bytes:
    return b"".join(wire.field(each, text) for text in make(size))


def _writes(each: FieldDescriptor, json: Make, size: int) -> bytes:
    write, twin = DigitalTwinWrite.DESCRIPTOR.fields_by_name, DigitalTwin.DESCRIPTOR.fields_by_name
    count = documents.share(size, MAX_BATCH)
    document = wire.field(twin["json"], json(size // count - 200).replace(b"room", b""))
    written = wire.field(write["create_or_replace"], document)
    return b"".join(
        wire.field(each, wire.field(write["digital_twin_id"], b"twin-%d" % index) + written) for index in range(count)
    )


def _good_fields(message: Descriptor, hostile: FieldDescriptor | None, extra: dict[str, str]) -> bytes:
    """The fields beside the hostile one."""
    content = b""
    if hostile is not None and hostile.name == "json":
        return content
    for each in message.fields:
        if each is hostile or each.is_repeated or each.containing_oneof is not None:
            continue
        good = extra.get(each.name) or GOOD.get(f"{message.name}.{each.name}") or GOOD.get(each.name)
        if each.type == FieldDescriptor.TYPE_STRING and good:
            content += wire.field(each, good.encode())
        elif each.name == "op":
            content += wire.number(each.number, _ADD)
        elif each.name == "value" and hostile is None:
            content += wire.field(each, wire.text(b"x"))
    return content


def _with(before: bytes, make: Make) -> Make:
    return lambda size: before + make(size - len(before))


def _wrapped(each: FieldDescriptor, make: Make) -> Make:
    return lambda size: wire.field(each, make(size - 10))
