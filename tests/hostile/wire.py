"""Messages of protobuf byte by byte: large ones at once, and such as no stub makes."""

from google.protobuf.descriptor import FieldDescriptor

_VARINT, _BYTES = 0, 2


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def sized(number: int, content: bytes) -> bytes:
    """A field of text, bytes or a message."""
    return varint(number << 3 | _BYTES) + varint(len(content)) + content


def number(number: int, value: int) -> bytes:
    """A field of an enum or an integer."""
    return varint(number << 3 | _VARINT) + varint(value)


def field(descriptor: FieldDescriptor, content: bytes) -> bytes:
    return sized(descriptor.number, content)


def entry(key: bytes, value: bytes) -> bytes:
    """What an entry of a map is inside."""
    return sized(1, key) + sized(2, value)


# The kinds of twinfront.v1.Value, which is what all these are inside.
INT = number(3, 1)


def text(content: bytes) -> bytes:
    return sized(5, content)


def list_of(elements: bytes) -> bytes:
    return sized(6, elements)


def object_of(entries: bytes) -> bytes:
    return sized(7, entries)
