"""Reads the resource that a write was about."""

from collections.abc import Awaitable
from http import HTTPStatus
from typing import Final, Protocol

from twinfront_server.adt.answer import Answer
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
    """The operations of the upstream that settling takes."""

    async def get_digital_twin(self, digital_twin_id: str) -> Answer:
        """Reads a digital twin."""

    async def get_relationship(self, digital_twin_id: str, relationship_id: str) -> Answer:
        """Reads a relationship."""

    async def get_model(self, model_id: str, *, include_model_definition: bool) -> Answer:
        """Reads a model."""

    async def get_event_route(self, event_route_id: str) -> Answer:
        """Reads an event route."""

    async def get_import_job(self, job_id: str) -> Answer:
        """Reads an import job."""

    async def get_delete_job(self, job_id: str) -> Answer:
        """Reads a delete job."""


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


def twin(reads: Reads, asked: Asked) -> Awaitable[Answer]:
    """Reads a digital twin, of a component its twin."""
    return reads.get_digital_twin(asked.ids["digital_twin_id"])


def relationship(reads: Reads, asked: Asked) -> Awaitable[Answer]:
    """Reads a relationship."""
    return reads.get_relationship(asked.ids["digital_twin_id"], asked.ids["relationship_id"])


def model(reads: Reads, asked: Asked) -> Awaitable[Answer]:
    """Reads a model, without its definition."""
    return reads.get_model(asked.ids["model_id"], include_model_definition=False)


def event_route(reads: Reads, asked: Asked) -> Awaitable[Answer]:
    """Reads an event route."""
    return reads.get_event_route(asked.ids["event_route_id"])


def import_job(reads: Reads, asked: Asked) -> Awaitable[Answer]:
    """Reads an import job."""
    return reads.get_import_job(asked.ids["job_id"])


def delete_job(reads: Reads, asked: Asked) -> Awaitable[Answer]:
    """Reads a delete job."""
    return reads.get_delete_job(asked.ids["job_id"])
