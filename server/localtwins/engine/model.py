"""Answers about a model, beside its definition."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from localtwins import errors

if TYPE_CHECKING:
    from localtwins.dtdl import Interface


def model_data(interface: "Interface", *, upload_time: str, decommissioned: bool = False) -> dict[str, Any]:
    """Makes the answer about a model, without its definition."""
    return {
        "id": interface.id,
        "description": interface.description,
        "displayName": interface.display_name,
        "decommissioned": decommissioned,
        "uploadTime": upload_time,
    }


def check_decommissioning(document: Sequence[dict[str, Any]]) -> None:
    """Refuses a patch that does anything else to a model than to set `/decommissioned` to true.

    Raises:
        AdtError: JsonPatchInvalid.
    """
    if not document:
        raise errors.json_patch_invalid("The patch of a model must replace /decommissioned with true.")
    for operation in document:
        op = operation.get("op")
        if not op:
            raise errors.json_patch_invalid("Parameter op must not be empty.")
        if type(op) is not str or op not in {"replace", "add"}:
            raise errors.json_patch_invalid(f"Unsupported operation type {op}.")
        if operation.get("path") != "/decommissioned" or operation.get("value") is not True:
            raise errors.json_patch_invalid("The patch of a model can only replace /decommissioned with true.")
