"""Creating, decommissioning and deleting models."""

from collections.abc import Sequence
from typing import Any

import orjson

from localtwins import dtdl, errors
from localtwins.engine.clock import model_time
from localtwins.engine.model import check_decommissioning, model_data
from localtwins.settings import Settings
from localtwins.store.transaction import Transaction


def create(tx: Transaction, settings: Settings, documents: Sequence[Any]) -> list[bytes]:
    """Store a batch of models, all or none, and give the data of each in the order of the batch.

    Raises DTDLParserError, ModelVersionNotSupported, ModelIdAlreadyExists or a limit.
    """
    try:
        interfaces = dtdl.parse(documents, tx.definition)
    except dtdl.DtdlError as error:
        invalid = errors.dtdl_version_unsupported if error.unsupported_version else errors.dtdl_invalid
        raise invalid(str(error)) from error
    model_ids = [interface.id for interface in interfaces]
    missing = set(tx.models_missing(model_ids))
    existing = [model_id for model_id in model_ids if model_id not in missing]
    if existing:
        raise errors.models_exist(existing)
    if tx.model_count() + len(documents) > settings.max_models:
        raise errors.limit_exceeded(f"The instance may hold {settings.max_models} models.")
    created = []
    for interface, document in zip(interfaces, documents, strict=True):
        definition = orjson.dumps(document)
        if len(definition) > settings.max_model_bytes:
            message = (
                f"The model {interface.id} has {len(definition)} bytes of JSON and may have {settings.max_model_bytes}."
            )
            raise errors.limit_exceeded(message)
        data = orjson.dumps(model_data(interface, upload_time=model_time(tx.now())))
        tx.insert_model(interface.id, data, definition, sorted(interface.dependencies), interface.bases)
        created.append(data)
    return created


def decommission(tx: Transaction, model_id: str, document: Sequence[dict[str, Any]]) -> None:
    """Decommission a model for good; again is harmless.

    Raises ModelNotFound, JsonPatchInvalid or ModelReferencesNotDecommissioned.
    """
    row = tx.model(model_id)
    if row is None:
        raise errors.model_not_found([model_id])
    check_decommissioning(document)
    referrers = tx.referrers(model_id, in_commission=True)
    if referrers:
        raise errors.model_references_not_decommissioned(referrers)
    data = orjson.loads(row.data)
    data["decommissioned"] = True
    tx.decommission_model(model_id, orjson.dumps(data))


def delete(tx: Transaction, model_id: str) -> None:
    """Delete a model; twins of it stay. Raises ModelNotFound or ModelReferencesNotDeleted."""
    if tx.model(model_id) is None:
        raise errors.model_not_found([model_id])
    referrers = tx.referrers(model_id)
    if referrers:
        raise errors.model_references_not_deleted(referrers)
    tx.delete_model(model_id)
