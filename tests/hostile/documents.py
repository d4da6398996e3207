"""What hostile requests have in their fields: values, JSON, paths, queries, models, lines, of about a given size."""

import itertools
from collections.abc import Callable

from twinfront_server.wire.limits import MAX_MODEL_VALUES, MAX_VALUES

from . import wire

SIZE = 4_100_000
"""Somewhat less than the largest message, 4 MiB."""

Make = Callable[[int], bytes]

MODEL_ID = "dtmi:example:Room;1"
MODEL = {
    "@id": MODEL_ID,
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "note", "schema": "string"},
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Property", "name": "sizes", "schema": {"@type": "Array", "elementSchema": "integer"}},
        {
            "@type": "Property",
            "name": "labels",
            "schema": {
                "@type": "Map",
                "mapKey": {"name": "key", "schema": "string"},
                "mapValue": {"name": "value", "schema": "string"},
            },
        },
        {"@type": "Telemetry", "name": "reading", "schema": "double"},
        {"@type": "Component", "name": "thermostat", "schema": "dtmi:example:Thermostat;1"},
        {"@type": "Relationship", "name": "feeds"},
    ],
}
THERMOSTAT = {
    "@id": "dtmi:example:Thermostat;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "note", "schema": "string"}],
}

_HEAD = b'{"$dtId":"room","$metadata":{"$model":"%b"},' % MODEL_ID.encode()


_NAMES = [b"n%07d" % number for number in range(400_000)]


def many(size: int, make: Callable[[bytes], bytes], between: bytes = b"") -> bytes:
    """As many as have room, each made with a name of its own."""
    before, after = make(_NAMES[0]).split(_NAMES[0])
    count = size // (len(before) + len(_NAMES[0]) + len(after) + len(between))
    return before + (after + between + before).join(_NAMES[:count]) + after


def _joined(size: int, make: Callable[[bytes], bytes]) -> bytes:
    return many(size, make, b",")


def _nested(size: int) -> bytes:
    """Objects within each other as deep as protobuf goes, the innermost with many members."""
    value = wire.object_of(many(size, lambda name: wire.sized(1, wire.entry(name, wire.INT))))
    for _ in range(20):
        value = wire.object_of(wire.sized(1, wire.entry(b"a", value)))
    return value


def share(size: int, most: int) -> int:
    """The same share of the most that there may be as the size is of the largest one, less a little."""
    return most * min(size, SIZE) // SIZE - 100


VALUES: dict[str, Make] = {
    "many numbers": lambda size: wire.list_of(wire.sized(1, wire.INT) * (size // 4)),
    "as many numbers as may be": lambda size: wire.list_of(wire.sized(1, wire.INT) * share(size, MAX_VALUES)),
    "values of no kind": lambda size: wire.list_of(wire.sized(1, b"") * (size // 2)),
    "lists in a list": lambda size: wire.list_of(wire.sized(1, wire.list_of(b"")) * (size // 4)),
    "a long text": lambda size: wire.text(b"x" * size),
    "nested objects": _nested,
}

JSON: dict[str, Make] = {
    "many unknown properties": lambda size: _HEAD + _joined(size, lambda name: b'"%b":1' % name) + b"}",
    "as many unknown properties as may be": lambda size: (
        _HEAD + _joined(share(size, MAX_VALUES) * 13, lambda name: b'"%b":1' % name) + b"}"
    ),
    "as many objects in objects as may be": lambda size: (
        _HEAD + b'"note":[' + b",".join([b'{"a":{"b":{}}}'] * (share(size, MAX_VALUES) // 4)) + b"]}"
    ),
    "many lists": lambda size: _HEAD + b'"sizes":[' + b",".join([b"[]"] * (size // 3)) + b"]}",
    "many numbers": lambda size: _HEAD + b'"sizes":[' + b",".join([b"1"] * (size // 2)) + b"]}",
    "many nested objects": lambda size: _HEAD + b'"note":[' + b",".join([b'{"a":{"b":{}}}'] * (size // 15)) + b"]}",
    "many components": lambda size: _HEAD + _joined(size, lambda name: b'"%b":{"$metadata":{}}' % name) + b"}",
    "metadata of many": lambda size: (
        b'{"$metadata":{"$model":"%b",' % MODEL_ID.encode()
        + _joined(size, lambda name: b'"%b":{"sourceTime":1}' % name)
        + b"}}"
    ),
    "one name again and again": lambda size: _HEAD + b",".join([b'"note":1'] * (size // 9)) + b"}",
    "deep lists": lambda size: b"[" * size,
    "a long text": lambda size: _HEAD + b'"note":"' + b"x" * size + b'"}',
    "a long text of escapes": lambda size: _HEAD + b'"note":"' + b"\\n" * (size // 2) + b'"}',
    "a long name": lambda size: _HEAD + b'"' + b"n" * size + b'":1}',
    "spaces": lambda size: _HEAD + b" " * size + b'"note":1}',
    "no JSON": lambda size: b"\xff" * size,
    "a long number": lambda size: _HEAD + b'"temperature":1' + b"0" * size + b"}",
}

_LONG: dict[str, Make] = {"a long text": lambda size: b"x" * size}
_LANGUAGE: dict[str, Make] = _LONG | {
    "spaces": lambda size: b" " * size,
    "parentheses": lambda size: b"(" * size,
    "quotes": lambda size: b"SELECT * FROM digitaltwins T WHERE T.a = '" + b"\\'" * (size // 2),
    "many conditions": lambda size: b"SELECT * FROM digitaltwins T WHERE T.a = 1" + b" OR T.a = 1" * (size // 11),
}
_PATHS: dict[str, Make] = _LONG | {
    "spaces": lambda size: b"/a." + b" " * size,
    "segments": lambda size: b"/a" * (size // 2),
    "tildes": lambda size: b"/" + b"~0" * (size // 2),
    "half an escape": lambda size: b"/" + b"~" * size,
}


_TIMES = itertools.count(1)


def as_new(data: bytes) -> bytes:
    """Gives the same request with models of other ids: those of one that went before may be there already."""
    return data.replace(b"dtmi:h0000:", b"dtmi:h%04d:" % next(_TIMES))


def _interface(name: str, contents: bytes, more: bytes = b"") -> bytes:
    return b'{"@id":"dtmi:h0000:%b;1","@type":"Interface","@context":"dtmi:dtdl:context;3"%b,"contents":[%b]}' % (
        name.encode(),
        more,
        contents,
    )


def _property(name: bytes, schema: bytes = b'"double"') -> bytes:
    return b'{"@type":"Property","name":"%b","schema":%b}' % (name, schema)


def _nested_schema(levels: int) -> bytes:
    schema = b'"double"'
    for _ in range(levels):
        schema = b'{"@type":"Object","fields":[{"name":"a","schema":%b},{"name":"b","schema":%b}]}' % (schema, schema)
    return schema


MODELS: dict[str, Make] = {
    "many properties": lambda size: _interface("a", _joined(size, _property)),
    "nested objects": lambda size: _interface("a", _joined(size, lambda name: _property(name, _nested_schema(4)))),
    "many bases": lambda size: _interface(
        "a", b"", b',"extends":[%b]' % _joined(size, lambda name: b'"dtmi:g:%b;1"' % name)
    ),
    "many names": lambda size: _interface(
        "a", b"", b',"displayName":{%b}' % _joined(size, lambda name: b'"%b":"x"' % name)
    ),
    "a long comment": lambda size: _interface("a", b"", b',"comment":"%b"' % (b"x" * size)),
    "a long id": lambda size: _interface("a" * size, b""),
    "unknown members": lambda size: _interface("a", b"", b"," + _joined(size, lambda name: b'"%b":1' % name)),
    "many lists": lambda size: _interface("a", b",".join([b"[]"] * (size // 3))),
    "no JSON": lambda size: b"[" * size,
    "as many properties as may be": lambda size: _interface(
        "b", _joined(share(size, MAX_MODEL_VALUES) * 14, _property)
    ),
    "as many nested objects as may be": lambda size: _interface(
        "c",
        _joined(share(size, MAX_MODEL_VALUES) * 10, lambda name: _property(name, _nested_schema(4))),
    ),
    "as many unknown members as may be": lambda size: _interface(
        "d", b"", b"," + _joined(share(size, MAX_MODEL_VALUES) * 13, lambda name: b'"%b":1' % name)
    ),
}

_SEVERAL_MODELS: dict[str, Callable[[int], list[bytes]]] = {
    "250 models": lambda size: [_interface(f"m{n}", _joined(size // 250 - 100, _property)) for n in range(250)],
    "four of the largest models": lambda size: [
        _interface(f"m{n}", _joined(size // 4 - 100, _property)) for n in range(4)
    ],
    "250 models with nested objects": lambda size: [
        _interface(f"m{n}", _joined(size // 250 - 100, lambda name: _property(name, _nested_schema(3))))
        for n in range(250)
    ],
    "250 models without their base": lambda size: [
        _interface(f"m{n}", _joined(size // 250 - 200, _property), b',"extends":"dtmi:h0000:gone;1"')
        for n in range(250)
    ],
    "250 models that need each other": lambda size: [
        _interface(f"m{n}", _joined(size // 250 - 200, _property), b',"extends":"dtmi:h0000:m%d;1"' % ((n + 1) % 250))
        for n in range(250)
    ],
    "250 models of as many properties as may be": lambda size: [
        _interface(f"n{n}", _joined(share(size, MAX_MODEL_VALUES) * 13 // 250 - 100, _property)) for n in range(250)
    ],
    "small models": lambda size: [_interface(f"m{n}", b"") for n in range(size // 100)],
}


def _lines(section: str, line: bytes) -> Make:
    head = b'{"Section":"%b"}\n' % section.encode()
    return lambda size: head + line * (size // len(line))


UNREADABLE_CHUNKS: dict[str, Make] = {
    "lines of one character": _lines("Twins", b"x\n"),
    "empty objects": _lines("Twins", b"{}\n"),
    "relationships of nothing": _lines("Relationships", b'{"$dtId":"a"}\n'),
    "models without an id": _lines("Models", b"{}\n"),
    "lines of an unknown section": _lines("Rooms", b"{}\n"),
    "sections": lambda size: b'{"Section":"x"}\n' * (size // 16),
    "no section": lambda size: b"x\n" * (size // 2),
    "line breaks": lambda size: b"\n" * size,
    "spaces": lambda size: b" " * size,
    "spaces and line breaks": lambda size: b" \n" * (size // 2),
    "one line": lambda size: b'{"Section":"Twins"}\n' + b"x" * size,
    "one twin of many properties": lambda size: (
        b'{"Section":"Twins"}\n' + JSON["many unknown properties"](size) + b"\n"
    ),
    "one model of many lists": lambda size: b'{"Section":"Models"}\n' + MODELS["many lists"](size) + b"\n",
}


def texts(name: str, *, is_text: bool) -> dict[str, Make]:
    """What a field of this name is filled with."""
    match name:
        case "query" | "filter":
            return _LANGUAGE
        case "path":
            return _PATHS
        case "dtdl_model" | "dtdl_models":
            return MODELS
        case "chunk":
            return UNREADABLE_CHUNKS
        case _:
            return _LONG if is_text else JSON


def lists_of_texts(name: str) -> dict[str, Callable[[int], list[bytes]]]:
    """What a list of texts of this name has in it besides."""
    return _SEVERAL_MODELS if name == "dtdl_models" else {}
