"""Makes a call whose request says `validate_only` a dry run."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from twinfront_server.call import Call
from twinfront_server.interceptors.link import Behaviour, Context, Link, Method


def rehearse(require_validation: Callable[[], Awaitable[None]]) -> Link:
    """Makes the link, around messages, that sets `Call.validate_only` and empties the etags of the answer.

    Args:
        require_validation: raises an error where the upstream cannot carry out dry runs.
    """

    def link(proceed: Behaviour, method: Method) -> Behaviour:
        if not method.takes("validate_only"):
            return proceed

        async def rehearsed(call: Call, request: Any, context: Context) -> Any:
            call.validate_only = True
            await require_validation()
            response = await proceed(call, request, context)
            _forget_etags(response)
            return response

        def served(call: Call, request: Any, context: Context) -> Awaitable[Any]:
            return (rehearsed if request.validate_only else proceed)(call, request, context)

        return served

    return link


def _forget_etags(message: Message) -> None:
    """Empties the etags of a response and of the resources in it, those within their JSON included.

    A dry run got none.
    """
    for field, value in message.ListFields():
        if field.name == "etag":
            message.ClearField("etag")
        elif field.name == "json" and field.type == FieldDescriptor.TYPE_BYTES:
            message.json = _without_etag(value)  # type: ignore[attr-defined]  # the descriptor says that it has one
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for part in value if field.is_repeated else (value,):
                _forget_etags(part)


def _without_etag(text: bytes) -> bytes:
    document = orjson.loads(text)
    if not isinstance(document, dict) or "$etag" not in document:
        return text
    del document["$etag"]
    return orjson.dumps(document)
