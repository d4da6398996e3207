"""Puts, patches and deletes relationships."""

from collections.abc import Sequence
from typing import Any

import orjson

from localtwins import dtdl, errors
from localtwins.engine import json_patch, relationship, validation
from localtwins.engine.clock import twin_time
from localtwins.engine.etag import check_if_match, new_etag
from localtwins.events import notifications
from localtwins.operations.digital_twins import Written
from localtwins.settings import Settings
from localtwins.store.reader import StoredRelationship
from localtwins.store.transaction import Transaction


def put(
    tx: Transaction,
    settings: Settings,
    source_id: str,
    relationship_id: str,
    payload: object,
    *,
    create_only: bool,
    notify: bool = True,
    any_property_name: bool = False,
) -> Written:
    """Creates or replaces a relationship; an import does not `notify`, which is to log no change.

    With `any_property_name`, properties that the model does not have are stored as they are.

    Raises:
        AdtError: DigitalTwinNotFound for the source, InvalidArgument, PreconditionFailed, TargetDigitalTwinNotFound,
            OperationNotAllowed, InvalidRelationship, ValidationFailed or a limit.
    """
    ends = tx.ends(source_id, relationship_id, relationship.target_of(payload))
    if ends.source_model is None:
        raise errors.digital_twin_not_found(source_id)
    etag = new_etag()
    document = relationship.create(source_id, relationship_id, payload, etag=etag)
    current = ends.current
    if current is not None and create_only:
        raise errors.relationship_exists(relationship_id)
    name, target_id = document["$relationshipName"], document["$targetId"]
    if ends.target_model is None:
        raise errors.target_not_found()
    if target_id == source_id:
        raise errors.self_relationship(source_id)
    declared = _declared(tx, ends.source_model, name)
    _check_target(tx, declared, ends.target_model)
    checked = document
    if any_property_name:
        checked = {member: value for member, value in document.items() if member in declared.properties}
    _check_properties(checked, declared, settings)
    before = None if current is None else orjson.loads(current.document)
    if before is None:
        _check_new(tx, settings, source_id, ends.outgoing)
    if before is None or before["$targetId"] != target_id:
        _check_new_target(settings, target_id, ends.incoming)
    stored = orjson.dumps(document)
    if before is not None and (before["$targetId"], before["$relationshipName"]) == (target_id, name):
        tx.update_relationship(source_id, relationship_id, etag=etag, document=stored)
    else:
        tx.put_relationship(source_id, relationship_id, target_id=target_id, name=name, etag=etag, document=stored)
    if notify:
        now = twin_time(tx.now())
        tx.append_change(notifications.relationship_put(document, stored, before, ends.source_model, now))
    return Written(etag, stored)


def patch(
    tx: Transaction,
    settings: Settings,
    source_id: str,
    relationship_id: str,
    document: Sequence[dict[str, Any]],
    *,
    if_match: str | None,
) -> str:
    """Patches the properties of a relationship and gives its new etag.

    Raises:
        AdtError: DigitalTwinNotFound, RelationshipNotFound, PreconditionFailed, JsonPatchInvalid, InvalidRelationship
            or ValidationFailed.
    """
    source, current = _current(tx, source_id, relationship_id, if_match)
    operations = json_patch.parse_operations(document)
    etag = new_etag()
    patched = relationship.patch(orjson.loads(current.document), operations, etag=etag)
    _check_properties(patched, _declared(tx, source, current.name), settings)
    tx.update_relationship(source_id, relationship_id, etag=etag, document=orjson.dumps(patched))
    now = twin_time(tx.now())
    tx.append_change(notifications.relationship_patched(patched, source, operations, now))
    return etag


def delete(tx: Transaction, source_id: str, relationship_id: str, *, if_match: str | None, notify: bool = True) -> None:
    """Deletes a relationship.

    Raises:
        AdtError: DigitalTwinNotFound, RelationshipNotFound or PreconditionFailed.
    """
    model_id, current = _current(tx, source_id, relationship_id, if_match)
    tx.delete_relationship(source_id, relationship_id)
    if notify:
        tx.append_change(notifications.relationship_deleted(current.document, model_id, twin_time(tx.now())))


def _current(
    tx: Transaction, source_id: str, relationship_id: str, if_match: str | None
) -> tuple[str, StoredRelationship]:
    source = tx.digital_twin(source_id)
    if source is None:
        raise errors.digital_twin_not_found(source_id)
    current = tx.relationship(source_id, relationship_id)
    if current is None:
        raise errors.relationship_not_found(source_id, relationship_id)
    check_if_match(if_match, current.etag)
    return source.model_id, current


def _declared(tx: Transaction, source_model: str, name: str) -> "dtdl.Relationship":
    model = tx.parsed_model(source_model)
    if model is None:
        raise errors.relationship_not_in_model(errors.model_missing(source_model))
    declared = model.interface.relationships.get(name)
    if declared is None:
        raise errors.relationship_not_in_model(f"{source_model} does not define a relationship {name}.")
    return declared


def _check_target(tx: Transaction, declared: "dtdl.Relationship", target_model: str) -> None:
    if declared.target is None or declared.target == target_model:
        return
    model = tx.parsed_model(target_model)
    # A twin whose model was deleted can still be given incoming relationships, and nothing tells what it is.
    if model is not None and declared.target not in model.interface.bases:
        problem = (
            f"The target of {declared.name} must be of model {declared.target}, and its model {target_model} is not."
        )
        raise errors.relationship_not_in_model(problem)


def _check_properties(document: dict[str, Any], declared: "dtdl.Relationship", settings: Settings) -> None:
    problems = validation.relationship_problems(document, declared.properties, declared.name, settings.value_limits)
    if problems:
        raise errors.invalid_relationship(problems)


def _check_new(tx: Transaction, settings: Settings, source_id: str, outgoing: int) -> None:
    if not tx.has_room("relationships", settings.max_relationships):
        raise errors.limit_exceeded(f"The instance may hold {settings.max_relationships} relationships.")
    if outgoing >= settings.max_outgoing_relationships:
        raise errors.limit_exceeded(
            f"The twin {source_id} may have {settings.max_outgoing_relationships} outgoing relationships."
        )


def _check_new_target(settings: Settings, target_id: str, incoming: int) -> None:
    if incoming >= settings.max_incoming_relationships:
        raise errors.limit_exceeded(
            f"The twin {target_id} may have {settings.max_incoming_relationships} incoming relationships."
        )
