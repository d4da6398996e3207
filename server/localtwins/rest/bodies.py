"""Request bodies: JSON that the service can keep and give back as it came.

Of a name that stands twice in an object the last value counts, as in the service's own parser. An integer beyond 64
bits is the double that its text is: JavaScript and Go write doubles such as 1e19 so. Whether the schema takes doubles
is for the model to say.
"""

import json
import re
from collections.abc import Iterable
from json.decoder import JSONDecoder
from typing import Any, NoReturn

import orjson

from localtwins import errors
from localtwins.message import Request

MAX_NESTING = 100
_LONG_INTEGER = re.compile(rb"[0-9]{19}")
_LARGEST_INTEGER = 2**63 - 1
# Possessive, and content with a string that never ends, so that no body makes it slow.
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_SEPARATOR = re.compile(r"[\s,]*")
_NEWLINE = "\n"
_OPERATION_TYPE = "Microsoft.AspNetCore.JsonPatch.Operations.Operation"


def read_json(request: Request) -> Any:
    """Parse the body. Raises BadRequest for none and InvalidArgument for what is not JSON in UTF-8."""
    if not request.body:
        raise errors.empty_body()
    return parse_json(request.body, "request body")


def read_document(request: Request) -> Any:
    """Parse a body that has to be an object or an array, as all are but those of telemetry.

    Raises what `read_json` does, and InvalidArgument for a string, into which some clients put the JSON they are given.
    """
    document = read_json(request)
    if type(document) is str:
        raise errors.string_body()
    return document


def parse_json(text: bytes, what: str) -> Any:
    """Parse JSON, which is called `what` in messages. Raises InvalidArgument for what cannot be kept as it is."""
    if text.count(b"[") + text.count(b"{") > MAX_NESTING:
        _check_nesting(text, what)
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise errors.invalid_argument(f"The {what} is not valid JSON: {error}.") from error
    if _LONG_INTEGER.search(text):
        _make_doubles(document)
    return document


def element_sizes(body: bytes) -> list[int]:
    """Give the number of bytes of each element of the JSON array that a body is, white space within included."""
    text = body.decode()
    decoder = JSONDecoder()
    sizes = []
    start = _next_element(text, text.index("[") + 1)
    while text[start] != "]":
        _, end = decoder.raw_decode(text, start)
        sizes.append(len(text[start:end].encode()))
        start = _next_element(text, end)
    return sizes


def _next_element(text: str, position: int) -> int:
    separator = _SEPARATOR.match(text, position)
    return separator.end() if separator else position


def read_patch(request: Request, *, parameter: str | None = None) -> list[dict[str, Any]]:
    """Parse a JSON Patch document as far as the service's web framework does: an array of objects.

    `parameter` is the name under which the framework misses a document that it could not read, on some operations.
    """
    document = read_document(request)
    if type(document) is not list:
        raise errors.invalid_argument("The request body must be a JSON Patch document: an array of operations.")
    for index, operation in enumerate(document):
        if type(operation) is not dict:
            _refuse_operation(request.body, index, parameter)
    return document


def _refuse_operation(body: bytes, index: int, parameter: str | None) -> NoReturn:
    text = body.decode()
    value, end = _element(text, index)
    message = (
        f"Error converting value {json.dumps(value, ensure_ascii=False)} to type '{_OPERATION_TYPE}'. "
        f"Path '[{index}]', line {text.count(_NEWLINE, 0, end) + 1}, position {end - text.rfind(_NEWLINE, 0, end) - 1}."
    )
    problems = {f"[{index}]": [message]}
    if parameter is not None:
        problems[parameter] = [f"The {parameter} field is required."]
    raise errors.FrameworkError(problems)


def _element(text: str, index: int) -> tuple[object, int]:
    """Give an element of the array that `text` is, and the position behind it."""
    decoder = JSONDecoder()
    value, end = None, text.index("[") + 1
    for _ in range(index + 1):
        separator = _SEPARATOR.match(text, end)
        value, end = decoder.raw_decode(text, separator.end() if separator else end)
    return value, end


def _make_doubles(document: Any) -> None:
    """Replace the integers beyond 64 bits inside a document; orjson has made doubles of those beyond 2^64."""
    if type(document) is dict:
        members: Iterable[tuple[Any, Any]] = document.items()
    elif type(document) is list:
        members = enumerate(document)
    else:
        return
    for key, member in members:
        if type(member) is int:
            if member > _LARGEST_INTEGER:
                document[key] = float(member)
        else:
            _make_doubles(member)


def _check_nesting(text: bytes, what: str) -> None:
    depth = 0
    for token in _BRACKETS.finditer(text.decode(errors="replace")):
        if token[0] in "[{":
            depth += 1
            if depth > MAX_NESTING:
                raise errors.invalid_argument(f"The {what} is nested deeper than {MAX_NESTING} levels.")
        elif token[0] in "]}":
            depth -= 1
