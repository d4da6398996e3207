"""Bodies that an attacker would send: each is made for a size in bytes, and is near it.

Some have as much of one thing as fits, which is to be refused by measure alone. Others stay within each limit and make
for as much work as that allows.
"""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from typing import Any, Final

import orjson

Shape = Callable[[int], bytes]

ROOM: Final = "dtmi:test:Room;1"
_CONTEXT: Final = "dtmi:dtdl:context;3"
_TIMES: Final = count(1)
# What a body may have of values, names and brackets together, and a little to spare.
_MOST_VALUES: Final = 32_000


def as_new(body: bytes) -> bytes:
    """Gives the same body with models of other ids: those of one that went before may be there already."""
    return body.replace(b"dtmi:attack0000:", b"dtmi:attack%04d:" % next(_TIMES))


def _filled(before: bytes, unit: bytes, after: bytes, size: int) -> bytes:
    """`unit` as often as fits."""
    return before + unit * max((size - len(before) - len(after)) // len(unit), 1) + after


def _json(value: Any) -> bytes:
    return orjson.dumps(value)


def _names(count: int, size: int) -> list[str]:
    """So many names that fill a size."""
    length = max(size // count - 8, 6)
    return [f"{number:0{length}}" for number in range(count)]


_ANY_BODY: Final[dict[str, Shape]] = {
    "empty lists": lambda size: _filled(b"[", b"[],", b"1]", size),
    "empty objects": lambda size: _filled(b"[", b"{},", b"1]", size),
    "integers": lambda size: _filled(b"[", b"7,", b"7]", size),
    "one integer": lambda size: b"7" * size,
    "integers of 19 digits": lambda size: _filled(b"[", b"9999999999999999999,", b"1]", size),
    "fractions": lambda size: _filled(b"[0.", b"1", b"]", size),
    "infinite numbers": lambda size: _filled(b"[", b"1e400,", b"1]", size),
    "open lists": lambda size: b"[" * size,
    "open objects": lambda size: _filled(b"", b'{"a":', b"1", size),
    "lists a hundred deep": lambda size: _filled(b"[", b"[" * 99 + b"]" * 99 + b",", b"1]", size),
    "objects in lists, a thousand deep": lambda size: _filled(b"", b'[{"a":', b"1", min(size, 6000)) + b" " * size,
    "members": lambda size: _json(dict.fromkeys(_names(size // 17, size), 1)),
    "one member again and again": lambda size: _filled(b"{", b'"a":1,', b'"a":1}', size),
    "one name": lambda size: _filled(b'{"', b"n", b'":1}', size),
    "one string": lambda size: _filled(b'"', b"s", b'"', size),
    "one string of quotes": lambda size: _filled(b'"', b'\\"', b'"', size),
    "a string that never ends": lambda size: _filled(b'"', b'\\"', b"", size),
    "one string of surrogates": lambda size: _filled(b'"', b"\\ud83d\\ude00", b'"', size),
    "half surrogates": lambda size: _filled(b'"', b"\\ud800", b'"', size),
    "text that is wide for one letter": lambda size: _filled('"\U0001f600'.encode(), b"s", b'"', size),
    "no UTF-8": lambda size: _filled(b'"', b"\xff", b'"', size),
    "digits in a string": lambda size: _filled(b'"', b"1234567890123456789", b'"', size),
    "commas in a string": lambda size: _filled(b'"', b",", b'"', size),
    "brackets in a string": lambda size: _filled(b'"', b"[{", b'"', size),
    "white space": lambda size: b" " * size,
    "white space and an object": lambda size: b" " * (size - 2) + b"{}",
    "commas": lambda size: b"," * size,
    "zeros": bytes,
    "names of objects inside each other": lambda size: _filled(b"", b'{"%b":' % (b"n" * (size // 60)), b"1", size // 2),
}


# Many operations are sent them.
ANY_BODY: Final[dict[str, Shape]] = {shape: cache(make) for shape, make in _ANY_BODY.items()}


def _twin(members: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> bytes:
    component = {"$metadata": {}, "reading": 1}
    return _json({"$metadata": {"$model": ROOM, **(metadata or {})}, "sensor": component, **members})


TWIN: Final[dict[str, Shape]] = {
    "unknown properties": lambda size: _twin(dict.fromkeys(_names(size // 17, size), 1)),
    "as many unknown properties as may be": lambda size: _twin(dict.fromkeys(_names(_MOST_VALUES - 20, size), 1)),
    "as many unknown properties of a component": lambda size: _json(
        {
            "$metadata": {"$model": ROOM},
            "sensor": {"$metadata": {}, **dict.fromkeys(_names(_MOST_VALUES - 20, size), 1)},
        }
    ),
    "components": lambda size: _twin({name: {"$metadata": {}} for name in _names(_MOST_VALUES // 3, size)}),
    "entries of the metadata": lambda size: _twin({}, {name: {} for name in _names(_MOST_VALUES // 3, size)}),
    "one model id": lambda size: _json({"$metadata": {"$model": "dtmi:" + "a" * size}}),
    "one model id of many segments": lambda size: _json({"$metadata": {"$model": "dtmi:" + "a:" * (size // 2)}}),
    "one string": lambda size: _twin({"label": "s" * size}),
    "strings that are just short enough": lambda size: _twin({"tags": ["s" * 4096] * (size // 4100)}),
    "strings that are too long": lambda size: _twin({"tags": ["s" * 5000] * (size // 5003)}),
    "entries of a map": lambda size: _twin({"limits": dict.fromkeys(_names(_MOST_VALUES - 20, size), 1.5)}),
    "names that are too long": lambda size: _twin({"limits": {f"{'n' * 1100}{i}": 1 for i in range(size // 1110)}}),
    "one name of a map": lambda size: _twin({"limits": {"n" * size: 1}}),
    "values of another type": lambda size: _twin({"tags": [1] * (_MOST_VALUES - 20)}) + b" " * size,
    "one time": lambda size: _twin({"seats": 1}, {"seats": {"sourceTime": "2024-01-01T00:00:00." + "1" * size}}),
    "lists in a number": lambda size: _filled(b'{"temperature":[', b"[],", b"1]}", size),
}


def _patch(*operations: Mapping[str, Any]) -> bytes:
    return _json(operations)


def _operations(count: int, operation: Callable[[int], Mapping[str, Any]]) -> bytes:
    return _patch(*map(operation, range(count)))


PATCH: Final[dict[str, Shape]] = {
    "operations": lambda size: _filled(b"[", b'{"op":"remove","path":"/a"},', b"{}]", size),
    "as many operations as may be": lambda size: _operations(
        7_900, lambda _number: {"op": "add", "path": "/label", "value": "s" * max(size // 7_900 - 60, 1)}
    ),
    "unknown properties": lambda size: _operations(
        7_900, lambda number: {"op": "add", "path": f"/{number:0{max(size // 7_900 - 60, 6)}}", "value": 1}
    ),
    "elements before all others": lambda size: _patch(
        {"op": "add", "path": "/tags", "value": []},
        *[{"op": "add", "path": "/tags/0", "value": "s" * max(size // 7_900 - 60, 1)}] * 7_900,
    ),
    "elements added and removed": lambda _size: _patch(
        {"op": "add", "path": "/tags", "value": ["s"] * 8_000},
        *[{"op": "add", "path": "/tags/0", "value": "s"}, {"op": "remove", "path": "/tags/0"}] * 3_200,
    ),
    "one path of segments": lambda size: _patch({"op": "add", "path": "/a" * (size // 2), "value": 1}),
    "one path of slashes": lambda size: _patch({"op": "add", "path": "/" * size, "value": 1}),
    "one path of spaces": lambda size: _patch({"op": "add", "path": "/a." + " " * size, "value": 1}),
    "one path of escapes": lambda size: _patch({"op": "add", "path": "/~1" * (size // 3), "value": 1}),
    "paths that are just short enough": lambda size: _patch(
        *[{"op": "add", "path": "/a" * 8_000, "value": 1}] * (size // 16_040)
    ),
    "paths of escapes that are just short enough": lambda size: _patch(
        *[{"op": "add", "path": "/limits/" + "~1" * 8_000, "value": 1}] * (size // 16_050)
    ),
    "one name of an operation": lambda size: _patch({"op": "o" * size, "path": "/label", "value": 1}),
    "an operation that is an object": lambda size: _patch({"op": {"a": "o" * size}, "path": "/label", "value": 1}),
    "a path that is a list": lambda size: _patch({"op": "add", "path": ["p"] * (size // 200), "value": 1}),
    "an operation that is a string, after many": lambda size: _filled(b"[", b"{},", b'"s"]', min(size, 20_000)),
    "one operation that is a string": lambda size: _patch({}, "s" * size),  # type: ignore[arg-type]
    "one string": lambda size: _patch({"op": "add", "path": "/label", "value": "s" * size}),
    "one index": lambda size: _patch({"op": "add", "path": "/tags/" + "1" * size, "value": "s"}),
    "one object, copied": lambda _size: _patch(
        *[{"op": "add", "path": "/limits", "value": {str(number): 1 for number in range(300)}}] * 50
    ),
    "one object, changed as often as may be": lambda size: _patch(
        {"op": "add", "path": "/limits", "value": {}},
        *[
            {"op": "add", "path": f"/limits/{number:0{max(size // 7_900 - 60, 6)}}", "value": 1}
            for number in range(7_800)
        ],
    ),
    "a time": lambda size: _patch({"op": "replace", "path": "/$metadata/seats/sourceTime", "value": "2024" * size}),
}

RELATIONSHIP: Final[dict[str, Shape]] = {
    "unknown properties": lambda size: _json(
        {"$relationshipName": "servedBy", "$targetId": "machine", **dict.fromkeys(_names(_MOST_VALUES - 20, size), 1)}
    ),
    "one string": lambda size: _json({"$relationshipName": "servedBy", "$targetId": "machine", "note": "s" * size}),
    "one name": lambda size: _json({"$relationshipName": "n" * size, "$targetId": "machine"}),
    "one target": lambda size: _json({"$relationshipName": "servedBy", "$targetId": "t" * size}),
    "members that are none": lambda size: _json(
        {"$relationshipName": "a", "$targetId": "b", **{f"${name}": 1 for name in _names(_MOST_VALUES - 20, size)}}
    ),
}


def _interface(number: int, contents: list[Any], **members: Any) -> dict[str, Any]:
    named = {"@context": _CONTEXT, "@id": f"dtmi:attack0000:A{number};1", "@type": "Interface", "contents": contents}
    return named | members


def _properties(size: int, schema: Any = "double") -> list[dict[str, Any]]:
    each = len(_json({"@type": "Property", "name": "p00000", "schema": schema})) + 1
    return [{"@type": "Property", "name": f"p{number:05}", "schema": schema} for number in range(max(size // each, 1))]


def _nested(levels: int) -> Any:
    schema: Any = "double"
    for level in range(levels):
        schema = {"@type": "Object", "fields": [{"name": f"f{level}", "schema": schema}]}
    return schema


MODELS: Final[dict[str, Shape]] = {
    "250 models": lambda size: _json([_interface(n, _properties(size // 250 - 200)) for n in range(250)]),
    "four models": lambda size: _json([_interface(n, _properties(size // 4 - 200)) for n in range(4)]),
    "models with nested objects": lambda size: _json(
        [_interface(n, _properties(size // 250 - 200, _nested(5))) for n in range(250)]
    ),
    "very many models": lambda size: _json([_interface(n, []) for n in range(size // 100)]),
    "models that extend one that is missing": lambda size: _json(
        [_interface(n, _properties(size // 250 - 250), extends="dtmi:attack0000:Missing;1") for n in range(250)]
    ),
    "models that extend each other": lambda size: _json(
        [
            _interface(n, _properties(size // 250 - 250), extends=f"dtmi:attack0000:A{(n + 1) % 250};1")
            for n in range(250)
        ]
    ),
    "members that no model has": lambda size: _json([_interface(0, [], **dict.fromkeys(_names(size // 30, size), 1))]),
    "contents that are none": lambda size: _json([_interface(0, [1] * (min(size, 900_000) // 2))]),
    "types": lambda size: _json([{**_interface(0, []), "@type": ["Interface"] * (min(size, 900_000) // 12)}]),
    "contexts": lambda size: _json([{**_interface(0, []), "@context": [_CONTEXT] * (min(size, 900_000) // 25)}]),
    "languages": lambda size: _json(
        [_interface(0, [], displayName={f"l{number}": "x" for number in range(min(size, 900_000) // 14)})]
    ),
    "values of an enum": lambda size: _json(
        [
            _interface(
                0,
                _properties(
                    1,
                    {
                        "@type": "Enum",
                        "valueSchema": "integer",
                        "enumValues": [
                            {"name": f"v{number}", "enumValue": number} for number in range(min(size, 900_000) // 40)
                        ],
                    },
                ),
            )
        ]
    ),
    "one description": lambda size: _json([_interface(0, [], description="d" * size)]),
    "one id": lambda size: _json([{**_interface(0, []), "@id": "dtmi:" + "a:" * (size // 2)}]),
    "numbers": lambda size: _filled(b"[", b"1,", b"1]", size),
}

QUERY: Final[dict[str, Shape]] = {
    "one query": lambda size: _json({"query": "SELECT * FROM DIGITALTWINS WHERE " + " " * size}),
    "parentheses": lambda _size: _json({"query": f"SELECT * FROM DIGITALTWINS WHERE {'(' * 3900}a=1{')' * 3900}"}),
    "NOT": lambda _size: _json({"query": f"SELECT * FROM DIGITALTWINS WHERE {'NOT ' * 1980}a=1"}),
    "unknown operators": lambda _size: _json({"query": f"SELECT * FROM DIGITALTWINS WHERE {'a=' * 3900}1"}),
    "one string": lambda _size: _json({"query": f"SELECT * FROM DIGITALTWINS WHERE a = '{'x' * 7900}"}),
    "escapes": lambda _size: _json({"query": f"SELECT * FROM DIGITALTWINS WHERE a = '{chr(92) * 7900}"}),
    "a token": lambda size: _json({"continuationToken": "A" * size}),
    "a token of spaces": lambda size: _json({"continuationToken": " " * size}),
}

EVENT_ROUTE: Final[dict[str, Shape]] = {
    "one filter": lambda size: _json({"endpointName": "events", "filter": "type = '" + "x" * size}),
    "parentheses": lambda _size: _json({"endpointName": "events", "filter": "(" * 2000 + "true" + ")" * 2000}),
    "NOT": lambda _size: _json({"endpointName": "events", "filter": "NOT " * 1000 + "true"}),
    "AND": lambda _size: _json({"endpointName": "events", "filter": "true AND " * 450 + "true"}),
    "one path": lambda _size: _json({"endpointName": "events", "filter": "$body" + ".a" * 2000 + " = 1"}),
    "one endpoint": lambda size: _json({"endpointName": "e" * size, "filter": "true"}),
}

IMPORT_JOB: Final[dict[str, Shape]] = {
    "one URI": lambda size: _json({"inputBlobUri": "https://" + "a" * size, "outputBlobUri": "file:out"}),
    "one path": lambda size: _json({"inputBlobUri": "file:" + "../" * (size // 3), "outputBlobUri": "file:out"}),
    "escapes": lambda size: _json({"inputBlobUri": "file:" + "%25" * (size // 3), "outputBlobUri": "file:out"}),
    "slashes": lambda size: _json({"inputBlobUri": "file:" + "/" * size, "outputBlobUri": "file:out"}),
    "brackets": lambda size: _json({"inputBlobUri": "http://[" + ":" * size, "outputBlobUri": "file:out"}),
}

NO_BODY: Final[dict[str, Shape]] = {"a body": ANY_BODY["empty lists"]}
