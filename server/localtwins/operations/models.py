"""Checking, creating, decommissioning and deleting models.

To check models takes long if they are large, so it comes before the transaction that creates them, and what it took for
granted about stored models is looked at again there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson

from localtwins import dtdl, errors
from localtwins.engine.clock import model_time
from localtwins.engine.model import check_decommissioning, model_data
from localtwins.settings import Settings
from localtwins.store.database import Database
from localtwins.store.reader import Reader
from localtwins.store.transaction import Transaction
from localtwins.workers import LOOP_SECONDS, Workers, checkpoint

CHECKING_SECONDS: Final = 0.5e-6
"""What a byte of a model takes to check."""

MOST_STORED_BYTES: Final = 64 * 1024 * 1024
"""What an upload may read of stored models: far more than the largest ontologies hold in all."""


_MOST_DETAILS: Final = 250
"""How many details an error about models has: one for each model of the largest request."""


class ModelsChangedError(Exception):
    """A stored model that a check relied on is another one by now, or there where it was missing: check again."""


class _TooMuchStoredError(Exception):
    """A check needs more of the stored models than it was allowed."""


@dataclass(frozen=True, slots=True)
class CheckedModels:
    """Models that are valid, each with its definition as JSON.

    `relied_on` are the stored models that this was found with, by id with their position, None for a missing one.
    """

    interfaces: Sequence[dtdl.Interface]
    definitions: Sequence[bytes]
    relied_on: Mapping[str, int | None]


async def checked(
    database: Database, workers: Workers, documents: Sequence[Any], sizes: Sequence[int] | None, *, size: int
) -> CheckedModels:
    """Check a batch of models: in the event loop if that is quick, else on a worker; see `check`.

    `size` is how many bytes of JSON they have in all, `sizes` how many each of them.
    """
    quick = int(LOOP_SECONDS / CHECKING_SECONDS) - size
    if quick > 0:
        try:
            return check(database.read, documents, sizes, most_stored=quick)
        except _TooMuchStoredError:
            pass

    def on_worker() -> CheckedModels:
        with database.reading() as read:
            return check(read, documents, sizes)

    return await workers.run(on_worker, expected=max(size * CHECKING_SECONDS, 2 * LOOP_SECONDS))


def check(
    read: Reader,
    documents: Sequence[Any],
    sizes: Sequence[int] | None = None,
    *,
    most_stored: int | None = None,
) -> CheckedModels:
    """Check a batch of models against each other and against those that are stored. Blocks.

    With `most_stored`, raises _TooMuchStoredError if it needs to read more bytes of them than that. Raises
    DTDLParserError, ModelVersionNotSupported or a limit.
    """
    stored = _Stored(read, MOST_STORED_BYTES if most_stored is None else most_stored)
    try:
        interfaces = dtdl.parse(documents, stored.definition, sizes=sizes, checkpoint=checkpoint)
    except dtdl.DtdlError as error:
        invalid = errors.dtdl_version_unsupported if error.unsupported_version else errors.dtdl_invalid
        raise invalid(str(error), _details(error) if len(documents) > 1 else ()) from error
    except _TooMuchStoredError:
        if most_stored is not None:
            raise
        message = f"The models build on more than {MOST_STORED_BYTES} bytes of stored models."
        raise errors.limit_exceeded(message) from None
    return CheckedModels(interfaces, [orjson.dumps(document) for document in documents], stored.relied_on)


def _details(error: dtdl.DtdlError) -> list[str]:
    """Tell which of several models have what wrong; the service's own text names no places."""
    return [f"models[{index}]: {problem}" for index, problem in islice(error.by_document(), _MOST_DETAILS)]


class _Stored:
    """Gives definitions of stored models, the same one each time that it is asked, and remembers which there were."""

    def __init__(self, read: Reader, most_bytes: int) -> None:
        self._read = read
        self._bytes_left = most_bytes
        self._definitions: dict[str, bytes | None] = {}
        self.relied_on: dict[str, int | None] = {}

    def definition(self, model_id: str) -> dict[str, Any] | None:
        if model_id not in self.relied_on:
            row = self._read.model(model_id)
            self.relied_on[model_id] = row.position if row else None
            self._definitions[model_id] = row.definition if row else None
            self._bytes_left -= len(self._definitions[model_id] or b"")
            if self._bytes_left < 0:
                raise _TooMuchStoredError
        stored = self._definitions[model_id]
        return None if stored is None else orjson.loads(stored)


def create(tx: Transaction, settings: Settings, models: CheckedModels) -> list[bytes]:
    """Store a batch of models, all or none, and give the data of each in the order of the batch.

    Raises ModelIdAlreadyExists, a limit, or ModelsChangedError.
    """
    for model_id, position in models.relied_on.items():
        if tx.model_position(model_id) != position:
            raise ModelsChangedError
    model_ids = [interface.id for interface in models.interfaces]
    missing = set(tx.models_missing(model_ids))
    existing = [model_id for model_id in model_ids if model_id not in missing]
    if existing:
        raise errors.models_exist(existing)
    if tx.model_count() + len(model_ids) > settings.max_models:
        raise errors.limit_exceeded(f"The instance may hold {settings.max_models} models.")
    created = []
    for interface, definition in zip(models.interfaces, models.definitions, strict=True):
        if len(definition) > settings.max_model_bytes:
            message = (
                f"The model {interface.id} has {len(definition)} bytes of JSON and may have {settings.max_model_bytes}."
            )
            raise errors.limit_exceeded(message)
        data = orjson.dumps(model_data(interface, upload_time=model_time(tx.now())))
        tx.insert_model(interface, data, definition)
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
