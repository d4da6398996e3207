"""Importing rows inside a transaction: each is a PUT, and one that is refused leaves the others be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from localtwins import errors
from localtwins.engine.identifiers import check_relationship_id, check_twin_id
from localtwins.errors import AdtError
from localtwins.jobs.import_format import Batch, Row, Section
from localtwins.operations import digital_twins, models, relationships
from localtwins.rest.bodies import parse_json
from localtwins.settings import Settings
from localtwins.store.transaction import Transaction

Document = dict[str, Any]
_ImportRow = Callable[[Transaction, Settings, Document], None]


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was refused; `ids` are those of its `$` members that name it."""

    section: Section
    line: int
    ids: dict[str, str]
    error: AdtError


def import_batch(tx: Transaction, settings: Settings, batch: Batch) -> list[RowError]:
    """Import the rows of a batch and give those that were refused. Nothing of it goes to the change log.

    Models are created all or none: raises JobError if they cannot be.
    """
    if batch.section is Section.MODELS:
        _import_models(tx, settings, batch.rows)
        return []
    import_row = _import_twin if batch.section is Section.TWINS else _import_relationship
    return list(_refused(tx, settings, batch, import_row))


def _refused(tx: Transaction, settings: Settings, batch: Batch, import_row: _ImportRow) -> Iterator[RowError]:
    for row in batch.rows:
        document: Document = {}
        try:
            document = _document(row)
            import_row(tx, settings, document)
        except AdtError as error:
            yield RowError(batch.section, row.line, _ids(document), error)


def _import_models(tx: Transaction, settings: Settings, rows: tuple[Row, ...]) -> None:
    """Create the models that are not there yet.

    The same file can be imported again (recorded: such jobs succeed), so a model that is there with the very same
    definition is passed over.
    """
    line = 0
    try:
        documents = []
        for row in rows:
            line = row.line
            document = _document(row)
            if not _is_stored(tx, document):
                documents.append(document)
        line = 0
        if documents:
            models.create(tx, settings, documents)
    except AdtError as error:
        place = f"Line {line}: " if line else ""
        raise errors.models_not_imported(error, place) from error


def _is_stored(tx: Transaction, document: Document) -> bool:
    model_id = document.get("@id")
    return isinstance(model_id, str) and tx.definition(model_id) == document


def _import_twin(tx: Transaction, settings: Settings, document: Document) -> None:
    twin_id = _id(document, "$dtId")
    check_twin_id(twin_id)
    digital_twins.put(tx, settings, twin_id, _without_nulls(document), create_only=False, notify=False)


def _import_relationship(tx: Transaction, settings: Settings, document: Document) -> None:
    """Put a relationship.

    Its source is `$dtId` in what Microsoft's tools write and `$sourceId` in what others do. Names of properties are
    not checked against the model, as the service is lenient there too.
    """
    payload = _without_nulls(document)
    source_id = _id(payload, "$dtId" if "$dtId" in payload else "$sourceId")
    relationship_id = _id(payload, "$relationshipId")
    if payload.get("$sourceId", source_id) != source_id:
        raise errors.invalid_argument("$dtId and $sourceId name different source twins.")
    check_twin_id(source_id)
    check_relationship_id(relationship_id)
    payload.pop("$dtId", None)
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


def _document(row: Row) -> Document:
    document = parse_json(row.text, "row")
    if type(document) is not dict:
        raise errors.invalid_argument("The row is not a JSON object.")
    return document


def _without_nulls(document: Document) -> Document:
    """Leave out `$etag`, `$sourceId` and the like where they are null, as some tools write them."""
    return {name: value for name, value in document.items() if value is not None or not name.startswith("$")}


def _id(document: Document, member: str) -> str:
    value = document.get(member)
    if type(value) is not str:
        raise errors.invalid_argument(f"The row has no {member}.")
    return value


def _ids(document: Document) -> dict[str, str]:
    wanted = ("$dtId", "$sourceId", "$relationshipId")
    return {name: value for name in wanted if isinstance(value := document.get(name), str)}
