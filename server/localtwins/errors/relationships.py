"""Errors of relationships."""

from collections.abc import Iterable

from localtwins.errors.exceptions import AdtError
from localtwins.errors.requests import invalid_argument


def relationship_not_found(twin_id: str, relationship_id: str) -> AdtError:
    """The source twin has no such relationship (recorded)."""
    message = (
        f"Relationship {relationship_id} not found on twin {twin_id}. "
        "Please verify that the relationship id is valid and ensure that the relationship is not deleted. "
        "See section on listing relationships in the documentation https://aka.ms/adtv2twins."
    )
    return AdtError(404, "RelationshipNotFound", message)


def relationship_exists(relationship_id: str) -> AdtError:
    """If-None-Match: * and the relationship is there (recorded)."""
    message = (
        f"If-None-Match: * header was specified but a relationship with the id {relationship_id} was found. "
        "Please specify a different relationship id."
    )
    return AdtError(412, "PreconditionFailed", message)


def target_not_found() -> AdtError:
    """The target twin is not there (recorded, the blank before the last dot too)."""
    message = (
        "The target digital twin is invalid or does not exist. "
        "Please validate that the target twin is valid and ensure that the target twin is not deleted. "
        "See section on querying the twins https://aka.ms/adtv2query ."
    )
    return AdtError(404, "TargetDigitalTwinNotFound", message)


def relationship_body_invalid() -> AdtError:
    """The body of a relationship has no name or no target (recorded)."""
    return invalid_argument("Could not deserialize relationship create body.")


def relationship_not_in_model(problem: str) -> AdtError:
    """The models do not provide for such a relationship (message from issue reports, code from the reference)."""
    message = (
        "Twin relationship does not align with the model. "
        "Please ensure that the relationship is in alignment with the model. "
        "See section on listing models https://aka.ms/adtv2models."
    )
    return AdtError(400, "InvalidRelationship", message, [problem])


def invalid_relationship(problems: Iterable[str]) -> AdtError:
    """The relationship's properties do not conform to the model; one detail for each problem."""
    return AdtError(400, "ValidationFailed", "Invalid relationship specified", problems)


def self_relationship(twin_id: str) -> AdtError:
    """A twin cannot be related to itself (code from the reference)."""
    return AdtError(400, "OperationNotAllowed", f"The twin {twin_id} cannot have a relationship to itself.")
