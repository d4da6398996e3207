"""Errors of models."""

from collections.abc import Sequence
from typing import Final

from localtwins.errors.exceptions import AdtError
from localtwins.errors.requests import invalid_argument

_MODEL_FORMAT_ADVICE: Final = "See model documentation(https://aka.ms/ADTv2Models) for supported format."


def model_not_found(model_ids: Sequence[str]) -> AdtError:
    """No model of that id (recorded)."""
    message = (
        f"There is no Model(s) available that matches the provided id(s) {', '.join(model_ids)}. "
        "Check that the Model ID provided is valid by doing a Model_List API call."
    )
    return AdtError(404, "ModelNotFound", message)


def model_id_malformed(model_id: str) -> AdtError:
    """The id is not a DTMI (recorded)."""
    return invalid_argument(f"The format of the Model ID {model_id} provided is not supported. {_MODEL_FORMAT_ADVICE}")


def model_id_missing() -> AdtError:
    """The path ends before the model's id (code from the reference)."""
    return AdtError(400, "MissingArgument", "The id of the model is missing from the path.")


def models_empty() -> AdtError:
    """An empty array of models, or no array at all (recorded)."""
    return invalid_argument(
        "Operation failed as models provided was empty or of a type that is not supported.. "
        "Check that your Model Array contains at least one item and it is of a supported type. "
        "See link(https://aka.ms/ADTv2Models) for details."
    )


def models_change() -> AdtError:
    """The models that an upload builds on were changed again and again while it was being checked."""
    message = "The models that these build on are being changed. Nothing was changed; try again later."
    return AdtError(503, "ServiceUnavailable", message, retry_after=1, unchanged=True)


def models_exist(model_ids: Sequence[str]) -> AdtError:
    """Some models of the batch are there already; none is created (recorded)."""
    message = (
        f"Some of the model ids already exist: {', '.join(model_ids)}. "
        "Use Model_List API to view models that already exist. "
        "See the Swagger example (https://aka.ms/ModelListSwSmpl)."
    )
    return AdtError(409, "ModelIdAlreadyExists", message)


def dtdl_invalid(problem: str, details: Sequence[str] = ()) -> AdtError:
    """The models are not valid DTDL; none is created (recorded, for a single model and without details)."""
    message = (
        "None of the models in this request could be created due to a problem with one or more models: "
        f"{problem}. {_MODEL_FORMAT_ADVICE}"
    )
    return AdtError(400, "DTDLParserError", message, details)


def dtdl_version_unsupported(problem: str, details: Sequence[str] = ()) -> AdtError:
    """A model is written in a DTDL version that the service does not take (code from the reference)."""
    message = f"None of the models in this request could be created: {problem} {_MODEL_FORMAT_ADVICE}"
    return AdtError(400, "ModelVersionNotSupported", message, details)


def model_references_not_deleted(referrers: Sequence[str]) -> AdtError:
    """Other models extend this one or have it as a component (recorded)."""
    message = (
        f"This model is currently being referenced by {', '.join(referrers)}. "
        "You must delete these references before deleting the Model.. "
        "To delete references, do Delete Model on Ids provided above."
    )
    return AdtError(409, "ModelReferencesNotDeleted", message)


def model_references_not_decommissioned(referrers: Sequence[str]) -> AdtError:
    """Models that refer to this one are still in commission (code from the reference)."""
    message = (
        f"This model is currently being referenced by {', '.join(referrers)}. "
        "You must decommission these references before decommissioning the Model."
    )
    return AdtError(409, "ModelReferencesNotDecommissioned", message)


def model_decommissioned(model_id: str) -> AdtError:
    """No twin can become one of a decommissioned model (code from the reference)."""
    return AdtError(400, "ModelDecommissioned", f"The model {model_id} is decommissioned and takes no new twins.")
