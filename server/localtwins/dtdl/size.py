"""How large a document is, before anything else is looked at."""

import json

from localtwins.dtdl.errors import shown
from localtwins.dtdl.limits import INTERFACE_BYTES, JSON_DEPTH


def size_problem(document: object, size: int | None) -> tuple[str, str] | None:
    """Gives the rule that a document breaks by its depth or size, and a message; None if it breaks none.

    Without a `size` in bytes it counts as if it were written without white space.
    """
    element = document.get("@id") if isinstance(document, dict) else None
    name = shown(element) if isinstance(element, str) else "a document"
    level = [document]
    for _ in range(JSON_DEPTH):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            break
    else:
        return "jsonTooDeep", f"{name} is nested more than {JSON_DEPTH} levels deep."
    if size is None:
        size = len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"))
    if size > INTERFACE_BYTES:
        return (
            "partitionTooLarge",
            f"JSON text of {name} is {size} bytes in length, but no more than {INTERFACE_BYTES} are permissible.",
        )
    return None
