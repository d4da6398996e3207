"""Looks at a resource once more, for settling and refusals: as a protocol, since these lie below the operations."""

from collections.abc import Awaitable
from http import HTTPStatus
from typing import Final, Protocol

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.adt.json_text import parse_answer
from twinfront_server.adt.twin_json import Document
from twinfront_server.errors import TwinfrontError, upstream_answer_unexpected
from twinfront_server.reasons import Reason
from twinfront_server.upstream.operation import Asked

_NOT_FOUND: Final = frozenset(
    {
        Reason.TWIN_NOT_FOUND,
        Reason.RELATIONSHIP_NOT_FOUND,
        Reason.MODEL_NOT_FOUND,
        Reason.EVENT_ROUTE_NOT_FOUND,
        Reason.JOB_NOT_FOUND,
    }
)


class Reads(Protocol):
    """The reads that tell how things are now."""

    async def resource(self, asked: Asked) -> Answer:
        """Reads the resource that a call was about: of a component its twin, of a model all but its definition."""

    async def model(self, model_id: str, *, include_model_definition: bool) -> Answer:
        """Reads a model."""

    async def relationships(self, digital_twin_id: str, relationship_name: str, link: str) -> Page:
        """Reads one page of the relationships that start from a twin, of one name if it is given."""

    async def incoming_relationships(self, digital_twin_id: str, link: str) -> Page:
        """Reads one page of the relationships that point to a twin."""


async def read(reading: Awaitable[Answer]) -> Answer | None:
    """Reads what is there; None for nothing."""
    try:
        return await reading
    except TwinfrontError as error:
        if error.reason in _NOT_FOUND:
            return None
        raise


def document(answer: Answer) -> Document:
    """Parses the resource that was read.

    Raises:
        TwinfrontError: UPSTREAM_ANSWER_UNEXPECTED if it is none.
    """
    document = parse_answer(answer.body)
    if not isinstance(document, dict):
        raise upstream_answer_unexpected(HTTPStatus.OK)
    return document
