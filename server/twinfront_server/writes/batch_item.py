"""One write of a batch: what it asks the upstream for, and which fields of the batch's request its errors name."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from twinfront.v1.digital_twin_service_pb2 import DigitalTwinWrite
from twinfront_server.errors import invalid_argument
from twinfront_server.large_requests import work
from twinfront_server.upstream import Upstream
from twinfront_server.upstream.pacing import Pace
from twinfront_server.wire import identifier
from twinfront_server.wire.json_patch import json_patch_body
from twinfront_server.wire.merge import merge_of
from twinfront_server.wire.relationships_option import wants_detach
from twinfront_server.writes.detach import Detached, detach_and_delete
from twinfront_server.writes.merge import merge_digital_twin
from twinfront_server.writes.replacement import create_or_replace

_FIELDS: Final = (
    ("digital_twin_id", "digital_twin_id"),
    ("digital_twin", "create_or_replace"),
    ("patch", "patch.operations"),
    ("merge_json", "merge.merge_json"),
    ("merge", "merge.merge"),
    ("relationships", "delete.relationships"),
    ("if_match", "if_match"),
    ("if_none_match", "if_none_match"),
    ("write", "write"),
)
"""Fields of the calls of their own, and where a write of a batch has them."""

Work = Callable[[], Awaitable[str]]
"""Writes, and returns the twin's new etag; empty if there is none."""


@dataclass(frozen=True, slots=True)
class Step:
    """The work that a write is.

    Attributes:
        work: the work itself.
        paces_itself: whether it takes many operations of the upstream, and has each wait for its turn.
    """

    work: Work
    paces_itself: bool = False


async def step_of(
    write: DigitalTwinWrite, upstream: Upstream, detached: Detached, *, pace: Pace, concurrency: int, large: bool
) -> Step:
    """Gives the work that a write asks for.

    Args:
        write: the write.
        upstream: where twins are.
        detached: where relationships are counted that are deleted on the way.
        pace: for work that paces itself, and
        concurrency: how many of its operations wait for their turn at a time.
        large: whether work on the write takes long.

    Raises:
        TwinfrontError: INVALID_ARGUMENT or JSON_PATCH_INVALID if it cannot be read.
    """
    digital_twin_id = identifier.required_id(write.digital_twin_id, "digital_twin_id")
    if_match = identifier.if_match(write.if_match)
    kind = write.WhichOneof("write")
    if write.if_none_match and kind != "create_or_replace":
        raise invalid_argument("if_none_match", "is for create_or_replace alone")
    match kind:
        case "create_or_replace":

            async def carry_out() -> str:
                written = await create_or_replace(
                    upstream,
                    digital_twin_id,
                    write.create_or_replace,
                    if_match=if_match,
                    if_none_match=write.if_none_match,
                    large=large,
                )
                return written.etag

        case "patch":
            body = await work(lambda: json_patch_body(write.patch.operations), large=large)

            async def carry_out() -> str:
                return (await upstream.twins.patch(digital_twin_id, body, if_match=if_match)).etag

        case "merge":
            given = write.merge.merge if write.merge.HasField("merge") else None
            merge = await work(lambda: merge_of(given, write.merge.merge_json, digital_twin_id), large=large)

            async def carry_out() -> str:
                return (await merge_digital_twin(upstream, digital_twin_id, merge, if_match=if_match, large=large)).etag

        case "delete" if wants_detach(write.delete.relationships):

            async def carry_out() -> str:
                await detach_and_delete(
                    upstream, digital_twin_id, detached, if_match=if_match, pace=pace, concurrency=concurrency
                )
                return ""

            return Step(carry_out, paces_itself=True)
        case "delete":

            async def carry_out() -> str:
                await upstream.twins.delete(digital_twin_id, if_match=if_match)
                return ""

        case _:
            raise invalid_argument("write", "is required: create_or_replace, patch, merge or delete")
    return Step(carry_out)


def batch_field(field: str, index: int) -> str:
    """Gives the path in a batch's request of a field of the single call that one of its writes stands for."""
    for name, inside in _FIELDS:
        if field == name or field.startswith((f"{name}.", f"{name}[")):
            return f"writes[{index}].{inside}{field[len(name) :]}"
    return f"writes[{index}]"
