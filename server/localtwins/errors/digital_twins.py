"""Errors of digital twins and their components."""

from collections.abc import Iterable

from localtwins.errors.exceptions import AdtError


def digital_twin_not_found(twin_id: str) -> AdtError:
    """No twin of that id (recorded)."""
    message = (
        f"There is no digital twin instance that exists with the ID {twin_id}. "
        "Please verify that the twin id is valid and ensure that the twin is not deleted. "
        "See section on querying the twins https://aka.ms/adtv2query."
    )
    return AdtError(404, "DigitalTwinNotFound", message)


def digital_twin_exists(twin_id: str) -> AdtError:
    """If-None-Match: * and the twin is there (recorded)."""
    message = (
        f"If-None-Match: * header was specified but a twin with the id {twin_id} was found. "
        "Please specify a different twin id."
    )
    return AdtError(412, "PreconditionFailed", message)


def invalid_twin(problems: Iterable[str]) -> AdtError:
    """The twin does not conform to its model; one detail for each problem (recorded)."""
    return AdtError(400, "ValidationFailed", "Invalid twin specified", problems)


def model_missing(model_id: str) -> str:
    """Tells, as one problem among others, that a model is not there (recorded)."""
    return f"{model_id} or one of its dependencies does not exist."


def relationships_not_deleted(twin_id: str) -> AdtError:
    """A twin that still has relationships cannot be deleted (recorded)."""
    message = (
        f"Twin {twin_id} has active relationships. "
        "Cannot delete a twin unless all the relationships are deleted. "
        "Please ensure that the active relationships on the twin are deleted. "
        "See section on retrieving relationships https://aka.ms/adtv2twins."
    )
    return AdtError(400, "RelationshipsNotDeleted", message)


def twin_limit_reached(limit: int) -> AdtError:
    """The instance holds as many twins as it may."""
    return AdtError(400, "TwinLimitReached", f"The instance holds {limit} digital twins and cannot take more.")


def component_not_found(twin_id: str, component: str) -> AdtError:
    """The twin has no such component (recorded)."""
    message = (
        f"{twin_id} does not have component {component} Please verify that the component path is correct. "
        "You can get components by getting the twin, See example https://aka.ms/TwinGetSwSmpl."
    )
    return AdtError(404, "ComponentNotFound", message)
