"""Reading many digital twins."""

from collections.abc import Sequence

from twinfront.v1.digital_twin_service_pb2 import BatchGetDigitalTwinsRequest, BatchGetDigitalTwinsResponse
from twinfront_server.access.rules import READ_OF_BATCH
from twinfront_server.call import current_call
from twinfront_server.concurrency import for_each
from twinfront_server.errors import TwinfrontError, limit_reached, rename_fields
from twinfront_server.reasons import Reason
from twinfront_server.upstream import Upstream
from twinfront_server.wire.digital_twin import fill_digital_twin
from twinfront_server.wire.filling import FRAMING
from twinfront_server.wire.identifier import required_id
from twinfront_server.wire.limits import require_batch
from twinfront_server.wire.representation import wants_json, wants_metadata


async def batch_get(
    upstream: Upstream, request: BatchGetDigitalTwinsRequest, *, concurrency: int, max_response_bytes: int
) -> BatchGetDigitalTwinsResponse:
    """Reads twins, some at a time, and answers them in the order of the request.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for no ids, too many or bad ones; LIMIT_REACHED if the answer would be larger
            than a response may be; whatever keeps a twin from being read, save that there is none, or none for
            this caller.
    """
    as_json, metadata = wants_json(request.representation), wants_metadata(request.view)
    fields = _fields(request.digital_twin_ids)
    bodies: dict[str, bytes | None] = dict.fromkeys(fields)
    not_permitted: set[str] = set()
    call = current_call()

    async def read(digital_twin_id: str) -> None:
        try:
            await call.permits(READ_OF_BATCH, {"digital_twin_id": digital_twin_id})
            bodies[digital_twin_id] = (await upstream.twins.get(digital_twin_id)).body
            call.item_ended()
        except TwinfrontError as error:
            if error.reason is Reason.CALLER_NOT_PERMITTED:
                not_permitted.add(digital_twin_id)
            elif error.reason is not Reason.TWIN_NOT_FOUND:
                rename_fields(error, lambda _: fields[digital_twin_id])
                raise
            call.item_ended(error.reason)

    await for_each(list(fields), concurrency, read)
    response = BatchGetDigitalTwinsResponse()
    size = 0

    async def fill(digital_twin_id: str) -> None:
        nonlocal size
        body = bodies.pop(digital_twin_id)
        if body is None:
            denied = digital_twin_id in not_permitted
            ids = response.not_permitted_digital_twin_ids if denied else response.missing_digital_twin_ids
            ids.append(digital_twin_id)
            size += len(digital_twin_id.encode()) + FRAMING
        else:
            twin = response.digital_twins.add()
            fill_digital_twin(twin, body, as_json=as_json, metadata=metadata)
            size += twin.ByteSize() + FRAMING
        if size > max_response_bytes:
            raise limit_reached(
                "digital_twin_ids",
                f"These digital twins are more than the {max_response_bytes} bytes that a response may have: ask for "
                "fewer at a time.",
            )

    await for_each(list(fields), 1, fill)
    return response


def _fields(ids: Sequence[str]) -> dict[str, str]:
    """Gives the ids, each once and in their order, with the proto paths where they come first."""
    require_batch(len(ids), "digital_twin_ids")
    fields: dict[str, str] = {}
    for index, digital_twin_id in enumerate(ids):
        field = f"digital_twin_ids[{index}]"
        fields.setdefault(required_id(digital_twin_id, field), field)
    return fields
