"""The document of a relationship, and the order in which relationships are listed."""

from collections.abc import Sequence
from typing import Any, Final

from localtwins import errors
from localtwins.engine.json_patch import Operation, apply_at

Document = dict[str, Any]

_LINK: Final = "$relationshipLink"


def create(source_id: str, relationship_id: str, payload: object, *, etag: str) -> Document:
    """Makes the document of a relationship that is put.

    The ids of the path win over those in the payload (recorded), and the link that lists of incoming relationships give
    is passed over.

    Raises:
        AdtError: InvalidArgument without a name and a target.
    """
    if not isinstance(payload, dict):
        raise errors.relationship_body_invalid()
    name, target_id = payload.get("$relationshipName"), payload.get("$targetId")
    if type(name) is not str or type(target_id) is not str or not name or not target_id:
        raise errors.relationship_body_invalid()
    relationship: Document = {
        "$relationshipId": relationship_id,
        "$etag": etag,
        "$sourceId": source_id,
        "$relationshipName": name,
        "$targetId": target_id,
    }
    for member, value in payload.items():
        if not member.startswith("$"):
            relationship[member] = value
        elif member not in relationship and member != _LINK:
            raise errors.invalid_relationship([f"{member} is not a name that a relationship can have."])
    return relationship


def target_of(payload: object) -> str:
    """Gives the target that a payload names, or no id if it names none."""
    target_id = payload.get("$targetId") if isinstance(payload, dict) else None
    return target_id if type(target_id) is str else ""


def patch(relationship: Document, operations: Sequence[Operation], *, etag: str) -> Document:
    """Applies a patch to the document, in place, and gives it back; only properties can be changed.

    Raises:
        AdtError: JsonPatchInvalid; the document is useless then.
    """
    for operation in operations:
        if operation.tokens[0].startswith("$"):
            raise errors.json_patch_invalid(f"{operation.path} cannot be changed.")
        apply_at(relationship, operation.tokens, operation)
    relationship["$etag"] = etag
    return relationship


def sort_key(relationship_id: str) -> str:
    """Gives the key of the order of lists: the id without its hyphens (recorded), for equals then the id itself."""
    return relationship_id.replace("-", "")
