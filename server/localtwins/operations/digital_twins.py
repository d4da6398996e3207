"""Puts, patches and deletes digital twins, and patches their components."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from localtwins import dtdl, errors
from localtwins.engine import digital_twin, json_patch, validation
from localtwins.engine.clock import twin_time
from localtwins.engine.etag import check_if_match, new_etag
from localtwins.events import notifications
from localtwins.settings import Settings
from localtwins.store.transaction import Transaction


@dataclass(slots=True)  # not frozen, which takes longer to make: each write gives one
class Written:
    """The outcome of a put."""

    etag: str
    document: bytes


def put(
    tx: Transaction,
    settings: Settings,
    twin_id: str,
    payload: dict[str, Any],
    *,
    create_only: bool,
    notify: bool = True,
) -> Written:
    """Creates or replaces a twin; an import does not `notify`, which is to log no change.

    Raises:
        AdtError: PreconditionFailed, ValidationFailed, ModelDecommissioned or a limit.
    """
    current = tx.digital_twin(twin_id)
    if current is not None and create_only:
        raise errors.digital_twin_exists(twin_id)
    etag = new_etag()
    now = twin_time(tx.now())
    twin = digital_twin.create(twin_id, payload, etag=etag, now=now)
    if current is None and not tx.has_room("digital_twins", settings.max_twins):
        raise errors.twin_limit_reached(settings.max_twins)
    document = _store(tx, settings, twin, current.model_id if current else None)
    if notify:
        tx.append_change(notifications.twin_put(twin, document, current.document if current else None, now))
    return Written(etag, document)


def patch(
    tx: Transaction,
    settings: Settings,
    twin_id: str,
    document: Sequence[dict[str, Any]],
    *,
    if_match: str | None,
    component: str | None = None,
) -> str | None:
    """Patches a twin, or one of its components, and gives the twin's new etag.

    An empty patch of a component writes nothing and gives none (recorded); of a twin it makes a new version.

    Raises:
        AdtError: DigitalTwinNotFound, PreconditionFailed, JsonPatchInvalid, ValidationFailed or ModelDecommissioned.
    """
    current = tx.digital_twin(twin_id)
    if current is None:
        raise errors.digital_twin_not_found(twin_id)
    check_if_match(if_match, current.etag)
    operations = json_patch.parse_operations(document, component)
    twin = orjson.loads(current.document)
    if component is not None and not digital_twin.is_component(twin.get(component)):
        # The service patches the twin with the component's name before each path, and that leads nowhere (recorded).
        if operations:
            raise errors.json_patch_invalid(f"{operations[0].path} was not found.")
        raise errors.component_not_found(twin_id, component)
    if component is not None and not operations:
        return None
    etag = new_etag()
    now = twin_time(tx.now())
    twin = digital_twin.patch(twin, operations, etag=etag, now=now)
    _store(tx, settings, twin, current.model_id)
    tx.append_change(notifications.twin_patched(twin, current.model_id, operations, now))
    return etag


def delete(tx: Transaction, twin_id: str, *, if_match: str | None, notify: bool = True) -> None:
    """Deletes a twin.

    Raises:
        AdtError: DigitalTwinNotFound, PreconditionFailed or RelationshipsNotDeleted.
    """
    current = tx.digital_twin(twin_id)
    if current is None:
        raise errors.digital_twin_not_found(twin_id)
    check_if_match(if_match, current.etag)
    if any(tx.relationship_counts(twin_id)):
        raise errors.relationships_not_deleted(twin_id)
    tx.delete_digital_twin(twin_id)
    if notify:
        now = twin_time(tx.now())
        tx.append_change(notifications.twin_deleted(twin_id, current.model_id, current.etag, current.document, now))


def _store(tx: Transaction, settings: Settings, twin: dict[str, Any], current_model: str | None) -> bytes:
    """Stores a twin that conforms to its model, and gives its document.

    Raises:
        AdtError: ValidationFailed, ModelDecommissioned or a limit.
    """
    model_id = digital_twin.model_of(twin)
    model = tx.parsed_model(model_id)
    if model is None:
        raise errors.invalid_twin([errors.model_missing(model_id)])
    if model.decommissioned and model_id != current_model:
        raise errors.model_decommissioned(model_id)

    def component_interface(schema: str) -> "dtdl.Interface":
        component_model = tx.parsed_model(schema)
        if component_model is None:
            raise errors.invalid_twin([errors.model_missing(model_id)])
        return component_model.interface

    problems = validation.twin_problems(twin, model.interface, component_interface, settings.value_limits)
    if problems:
        raise errors.invalid_twin(problems)
    document = orjson.dumps(twin)
    if len(document) > settings.max_twin_bytes:
        raise errors.limit_exceeded(
            f"The digital twin has {len(document)} bytes of JSON and may have {settings.max_twin_bytes}."
        )
    if model_id == current_model:
        tx.update_digital_twin(twin["$dtId"], twin["$etag"], document)
    else:
        tx.put_digital_twin(twin["$dtId"], model_id, twin["$etag"], document)
    return document
