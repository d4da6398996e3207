"""Request bodies: JSON that the service can keep and give back as it came.

Of a name that stands twice in an object the last value counts, as in the service's own parser. An integer beyond 64
bits is the double that its text is: JavaScript and Go write doubles such as 1e19 so. The model decides whether doubles
may stand there.
"""

import json
import re
from functools import partial
from json.decoder import JSONDecoder
from typing import Any, Final, NoReturn

from localtwins import errors, limits
from localtwins.engine.json_text import parse_json
from localtwins.rest.call import Call
from localtwins.workers import PARSING_SECONDS

_SEPARATOR: Final = re.compile(r"[\s,]*")
_NEWLINE: Final = "\n"
_OPERATION_TYPE: Final = "Microsoft.AspNetCore.JsonPatch.Operations.Operation"


async def read_json(call: Call, *, most_values: int | None = None) -> Any:
    """Parses the body, of no more than `most_values`, by default those that a twin can have.

    Raises:
        AdtError: BadRequest for none, LimitExceeded for one with too many values, InvalidArgument for one that is no
            JSON in UTF-8.
    """
    body = call.request.body
    if not body:
        raise errors.empty_body()
    parse = partial(parse_json, body, "request body", most_values=most_values or call.settings.max_twin_bytes)
    return await call.workers.run(parse, expected=len(body) * PARSING_SECONDS)


async def read_document(call: Call, *, most_values: int | None = None) -> Any:
    """Parses a body that has to be an object or an array, as all are but those of telemetry.

    Raises:
        AdtError: as for `read_json`, and InvalidArgument for a string, into which some clients put the JSON they are
            given.
    """
    document = await read_json(call, most_values=most_values)
    if type(document) is str:
        raise errors.string_body()
    return document


def element_sizes(body: bytes) -> list[int]:
    """Counts the bytes of each element of the JSON array that a body is, white space within included."""
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


async def read_patch(call: Call, *, parameter: str | None = None) -> list[dict[str, Any]]:
    """Parses a JSON Patch document as far as the service's web framework does: an array of objects.

    `parameter` is the name under which the framework misses a document that it could not read, on some operations.

    Raises:
        AdtError: as for `read_document`; InvalidArgument for no array, LimitExceeded for too many operations.
        FrameworkError: one of the operations is no object.
    """
    document = await read_document(call)
    if type(document) is not list:
        raise errors.invalid_argument("The request body must be a JSON Patch document: an array of operations.")
    if len(document) > limits.PATCH_OPERATIONS:
        message = f"The patch has {len(document)} operations and may have {limits.PATCH_OPERATIONS}."
        raise errors.limit_exceeded(message)
    for index, operation in enumerate(document):
        if type(operation) is not dict:
            _refuse_operation(call.request.body, index, parameter)
    return document


def _refuse_operation(body: bytes, index: int, parameter: str | None) -> NoReturn:
    text = body.decode()
    value, end = _element(text, index)
    shown = errors.shortened(json.dumps(value, ensure_ascii=False))
    message = (
        f"Error converting value {shown} to type '{_OPERATION_TYPE}'. "
        f"Path '[{index}]', line {text.count(_NEWLINE, 0, end) + 1}, position {end - text.rfind(_NEWLINE, 0, end) - 1}."
    )
    problems = {f"[{index}]": [message]}
    if parameter is not None:
        problems[parameter] = [f"The {parameter} field is required."]
    raise errors.FrameworkError(problems)


def _element(text: str, index: int) -> tuple[object, int]:
    """Gives an element of the array that `text` is, and the position behind it."""
    decoder = JSONDecoder()
    value, end = None, text.index("[") + 1
    for _ in range(index + 1):
        separator = _SEPARATOR.match(text, end)
        value, end = decoder.raw_decode(text, separator.end() if separator else end)
    return value, end
