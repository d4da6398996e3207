"""Imports rows inside a transaction: each is a PUT, and one that is refused leaves the others be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import orjson

from localtwins import errors
from localtwins.engine.identifiers import check_relationship_id, check_twin_id
from localtwins.errors import AdtError
from localtwins.jobs.import_format import Batch, Section
from localtwins.jobs.job import IMPORT
from localtwins.jobs.row_form import Document, read_row
from localtwins.jobs.told_changes import tell_write
from localtwins.operations import digital_twins, models, relationships
from localtwins.operations.models import CheckedModels
from localtwins.settings import Settings
from localtwins.store.interfaces import ModelsNotLoadedError
from localtwins.store.reader import Reader
from localtwins.store.transaction import Transaction

_ImportRow = Callable[[Transaction, Settings, Document], None]


@dataclass(frozen=True, slots=True)
class RowError:
    """Tells why a row was refused; `ids` are those of its `$` members that name it."""

    section: Section
    line: int
    ids: dict[str, str]
    error: AdtError

    @property
    def reason(self) -> str:
        """Tells what is wrong with the row."""
        return " ".join(self.error.details or [self.error.message])


def check_models(read: Reader, batch: Batch) -> CheckedModels:
    """Checks the models of a batch that are not there yet, before the transaction that imports them. Blocks.

    The same file can be imported again (recorded: such jobs succeed), so a model that is there with the very same
    definition is passed over.

    Raises:
        JobError: they cannot be created.
    """
    line = 0
    relied_on: dict[str, int | None] = {}
    try:
        documents, sizes = [], []
        for row in batch.rows:
            line = row.line
            document = read_row(batch.section, row)
            model_id = document.get("@id")
            stored = read.model(model_id) if isinstance(model_id, str) else None
            if stored is not None and orjson.loads(stored.definition or b"null") == document:
                relied_on[str(model_id)] = stored.position
            else:
                documents.append(document)
                sizes.append(len(row.text))
        line = 0
        checked = models.check(read, documents, sizes)
    except AdtError as error:
        place = f"Line {line}: " if line else ""
        raise errors.models_not_imported(error, place) from error
    return replace(checked, relied_on={**relied_on, **checked.relied_on})


def import_batch(
    tx: Transaction, settings: Settings, batch: Batch, job_id: str, checked: CheckedModels | None = None
) -> list[RowError]:
    """Imports the rows of a batch and gives those that were refused. The change log tells only that the job wrote.

    Models are created all or none, from the result of `check_models`.

    Raises:
        JobError: the models cannot be created.
        ModelsChangedError: the models have to be checked again.
        ModelsNotLoadedError: tells the models that all the rows need.
    """
    refused: list[RowError] = []
    if checked is not None:
        try:
            models.create(tx, settings, checked, notify=False)
        except AdtError as error:
            raise errors.models_not_imported(error, "") from error
    else:
        import_row = _import_twin if batch.section is Section.TWINS else _import_relationship
        refused += _refused(tx, settings, batch, import_row)
    if len(refused) < len(batch.rows):
        tell_write(tx, IMPORT, job_id)
    return refused


def _refused(tx: Transaction, settings: Settings, batch: Batch, import_row: _ImportRow) -> Iterator[RowError]:
    to_load: list[str] = []
    for row in batch.rows:
        document: Document = {}
        try:
            document = read_row(batch.section, row)
            import_row(tx, settings, document)
        except AdtError as error:
            yield RowError(batch.section, row.line, _ids(document), error)
        except ModelsNotLoadedError as error:
            to_load += error.model_ids
    if to_load:
        raise ModelsNotLoadedError(to_load)


def _import_twin(tx: Transaction, settings: Settings, document: Document) -> None:
    twin_id: str = document["$dtId"]
    check_twin_id(twin_id)
    payload = _without_nulls(document) if None in document.values() else document
    digital_twins.put(tx, settings, twin_id, payload, create_only=False, notify=False)


def _import_relationship(tx: Transaction, settings: Settings, document: Document) -> None:
    """Puts a relationship.

    Names of properties are not checked against the model, as the service is lenient there too.

    Raises:
        AdtError: as for a put; InvalidArgument if `$dtId` and `$sourceId` differ.
    """
    payload = _without_nulls(document)
    source_id, relationship_id = payload.pop("$dtId"), payload["$relationshipId"]
    if payload.get("$sourceId", source_id) != source_id:
        raise errors.invalid_argument("$dtId and $sourceId name different source twins.")
    check_twin_id(source_id)
    check_relationship_id(relationship_id)
    relationships.put(
        tx,
        settings,
        source_id,
        relationship_id,
        payload,
        create_only=False,
        notify=False,
        any_property_name=True,
    )


def _without_nulls(document: Document) -> Document:
    """Leaves out `$etag`, `$sourceId` and the like where they are null, as some tools write them."""
    return {name: value for name, value in document.items() if value is not None or not name.startswith("$")}


def _ids(document: Document) -> dict[str, str]:
    wanted = ("$dtId", "$sourceId", "$relationshipId")
    return {name: value for name in wanted if isinstance(value := document.get(name), str)}
