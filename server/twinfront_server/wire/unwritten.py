"""Answers to dry runs: what a write would have made, without the etag that it never got."""

import orjson
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message


def forget_etags(message: Message) -> None:
    """Empties the etags of a response and of the resources in it, those within their JSON included."""
    for field, value in message.ListFields():
        if field.name == "etag":
            message.ClearField("etag")
        elif field.name == "json" and field.type == FieldDescriptor.TYPE_BYTES:
            message.json = _without_etag(value)  # type: ignore[attr-defined]  # the descriptor says that it has one
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for part in value if field.is_repeated else (value,):
                forget_etags(part)


def _without_etag(text: bytes) -> bytes:
    document = orjson.loads(text)
    if not isinstance(document, dict) or "$etag" not in document:
        return text
    del document["$etag"]
    return orjson.dumps(document)
