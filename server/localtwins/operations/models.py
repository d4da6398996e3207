"""Checks, creates, decommissions and deletes models.

To check models takes long if they are large, so it comes before the transaction that creates them. There the stored
models that the check relied on are looked at again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson

from localtwins import dtdl, errors
from localtwins.engine.clock import model_time, twin_time
from localtwins.engine.model import check_decommissioning, model_data
from localtwins.events import notifications
from localtwins.settings import Settings
from localtwins.store.database import Database
from localtwins.store.reader import Reader
from localtwins.store.transaction import Transaction
from localtwins.workers import LOOP_SECONDS, Workers, checkpoint
from twinfront_program.light_start import load_later

load_later("localtwins.dtdl.parsing")

CHECKING_SECONDS: Final = 0.5e-6
"""Seconds that the check of a model takes for each of its bytes."""

MOST_STORED_BYTES: Final = 64 * 1024 * 1024
"""The most that an upload may read of stored models: far more than the largest ontologies hold in all."""


_MOST_DETAILS: Final = 250
"""How many details an error about models has: one for each model of the largest request."""


class ModelsChangedError(Exception):
    """Asks for another check: a stored model that this one relied on has changed, or is there where it was missing."""


class _TooMuchStoredError(Exception):
    """Ends a check that needs more of the stored models than it was allowed."""


@dataclass(frozen=True, slots=True)
class CheckedModels:
    """Holds models that are valid, each with its definition as JSON.

    Attributes:
        relied_on: id -> position of the stored models that the check relied on, None for a missing one.
    """

    interfaces: Sequence["dtdl.Interface"]
    definitions: Sequence[bytes]
    relied_on: Mapping[str, int | None]


async def checked(
    database: Database, workers: Workers, documents: Sequence[Any], sizes: Sequence[int] | None, *, size: int
) -> CheckedModels:
    """Checks a batch of models: in the event loop if that is quick, else on a worker; see `check`.

    Args:
        database: has the stored models.
        workers: run a check that is not quick.
        documents: the models as parsed JSON.
        sizes: how many bytes of JSON each of them has.
        size: how many bytes they have in all.
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
    """Checks a batch of models against each other and against those that are stored. Blocks.

    Args:
        read: reads the stored models.
        documents: the models as parsed JSON.
        sizes: how many bytes of JSON each of them has.
        most_stored: how many bytes of stored models may be read.

    Raises:
        _TooMuchStoredError: it needs to read more of the stored models.
        AdtError: DTDLParserError, ModelVersionNotSupported or a limit.
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


def _details(error: "dtdl.DtdlError") -> list[str]:
    """Tells which of several models have what wrong; the service's own text names no places."""
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


def create(tx: Transaction, settings: Settings, models: CheckedModels, *, notify: bool = True) -> list[bytes]:
    """Stores a batch of models, all or none, and gives the data of each in the order of the batch.

    An import does not `notify`, which is to log no change.

    Raises:
        AdtError: ModelIdAlreadyExists or a limit.
        ModelsChangedError: the check has to be done again.
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
        if notify:
            _notify(tx, notifications.MODEL_CREATE, interface.id, data)
        created.append(data)
    return created


def decommission(tx: Transaction, model_id: str, document: Sequence[dict[str, Any]]) -> None:
    """Decommissions a model for good; again is harmless.

    Raises:
        AdtError: ModelNotFound, JsonPatchInvalid or ModelReferencesNotDecommissioned.
    """
    row = tx.model(model_id)
    if row is None:
        raise errors.model_not_found([model_id])
    check_decommissioning(document)
    referrers = tx.referrers(model_id, in_commission=True)
    if referrers:
        raise errors.model_references_not_decommissioned(referrers)
    data = orjson.loads(row.data)
    if data["decommissioned"]:
        return
    data["decommissioned"] = True
    decommissioned = orjson.dumps(data)
    tx.decommission_model(model_id, decommissioned)
    _notify(tx, notifications.MODEL_DECOMMISSION, model_id, decommissioned)


def delete(tx: Transaction, model_id: str) -> None:
    """Deletes a model; twins of it stay.

    Raises:
        AdtError: ModelNotFound or ModelReferencesNotDeleted.
    """
    row = tx.model(model_id)
    if row is None:
        raise errors.model_not_found([model_id])
    referrers = tx.referrers(model_id)
    if referrers:
        raise errors.model_references_not_deleted(referrers)
    tx.delete_model(model_id)
    _notify(tx, notifications.MODEL_DELETE, model_id, row.data)


def _notify(tx: Transaction, change_type: str, model_id: str, data: bytes) -> None:
    tx.append_change(notifications.model_changed(change_type, model_id, data, twin_time(tx.now())))
