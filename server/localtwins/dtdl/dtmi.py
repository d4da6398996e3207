"""Digital Twin Model Identifiers.

Syntax: https://github.com/Azure/digital-twin-model-identifier; what each DTDL version takes of it: its specification.
"""

import hashlib
import re
from typing import Final

MAX_INTERFACE_ID: Final = 128
MAX_ID: Final = 2048

_LONGEST_OWN: Final = 512
"""Of a longer id that follows from a place, the beginning and the end are kept: more than messages show of it."""
_BEGINNING: Final = 256
_END: Final = 64

_PATH: Final = r"dtmi:[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?(?::[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?)*"
_IDS: Final = {
    2: re.compile(_PATH + r";[1-9][0-9]{0,8}"),
    3: re.compile(_PATH + r"(?:;[1-9][0-9]{0,8}(?:\.[1-9][0-9]{0,5})?)?"),
}
_RESERVED: Final = ("dtmi:dtdl:", "dtmi:standard:")


def is_dtmi(text: str, dtdl_version: int) -> bool:
    """Tells whether a document of this DTDL version may define `text`, or refer to it."""
    return len(text) <= MAX_ID and _IDS[dtdl_version].fullmatch(text) is not None


def is_reserved(dtmi: str, *further: str) -> bool:
    """Tells whether no model may define an identifier, since it has a prefix of the language or one of `further`."""
    return dtmi.startswith((*_RESERVED, *further))


def child_id(parent: str, property_name: str, key: str | None) -> str:
    """Builds the identifier of an element without one: its parent's, the property it stands in, and its name in there.

    For example `dtmi:example:Room;1` gives its property `temperature` the id
    `dtmi:example:Room:_contents:__temperature;1`. Of a long one the middle becomes a digest: names are as long as a
    caller writes them, and each element below has the name in its own id.
    """
    path, semicolon, version = parent.partition(";")
    name = "" if key is None else f":__{key}"
    found = f"{path}:_{property_name}{name}{semicolon}{version}"
    if len(found) <= _LONGEST_OWN:
        return found
    digest = hashlib.blake2b(found.encode(errors="surrogatepass"), digest_size=16).hexdigest()
    return f"{found[:_BEGINNING]}…{digest}…{found[-_END:]}"
