"""The form of a row: JSON with the members that say what the row is about; the service looks at it before all else."""

from collections.abc import Mapping
from typing import Any, Final

from localtwins import errors, limits
from localtwins.engine.json_text import parse_json
from localtwins.errors import AdtError
from localtwins.jobs.import_format import Batch, Row, Section

Document = dict[str, Any]

_NEEDED: Final[Mapping[Section, Mapping[str, str]]] = {
    Section.TWINS: {"$dtId": "Twin must have property $dtId representing the ID of the twin."},
    Section.RELATIONSHIPS: {
        "$dtId": "Relationship must have property $dtId representing the ID of the source twin.",
        "$relationshipId": "Relationship must have property $relationshipId representing the ID of the relationship.",
        "$targetId": "Relationship must have property $targetId representing the ID of the target twin.",
        "$relationshipName": "Relationship must have property $relationshipName representing its name in the model.",
    },
}
"""The message about the source of a relationship is the service's own, from the log of a job."""


def check_form(batch: Batch) -> None:
    """Checks the form of all rows. Blocks while it parses them.

    Raises:
        ImportFileError: tells the first row that is not in the format.
    """
    for row in batch.rows:
        try:
            read_row(batch.section, row)
        except AdtError as error:
            raise errors.import_file_invalid(row.line, error.message) from None


def read_row(section: Section, row: Row) -> Document:
    """Parses a row of a section.

    Raises:
        AdtError: InvalidArgument if it is not in the format.
    """
    document = parse_json(row.text, "row", most_values=limits.MODEL_VALUES)
    if type(document) is not dict:
        raise errors.invalid_argument("The row is not a JSON object.")
    for member, message in _NEEDED.get(section, {}).items():
        if type(document.get(member)) is not str:
            raise errors.invalid_argument(message)
    return document
