"""/digitaltwins/{id}."""

from typing import Final

import orjson

from localtwins import errors
from localtwins.engine.digital_twin import without_update_times
from localtwins.engine.etag import parse_if_match, parse_if_none_match
from localtwins.engine.identifiers import check_twin_id
from localtwins.message import Response
from localtwins.operations import digital_twins
from localtwins.rest.answers import json_answer, no_content
from localtwins.rest.bodies import read_document, read_patch
from localtwins.rest.call import API_VERSION_2020, Call

PATCH_PARAMETER: Final = "jsonPatchDocument"


async def get(call: Call, twin_id: str) -> Response:
    """Gets a digital twin."""
    twin = call.read.digital_twin(twin_id)
    if twin is None:
        check_twin_id(twin_id)
        raise errors.digital_twin_not_found(twin_id)
    return _answer(call, twin.etag, twin.document)


async def put(call: Call, twin_id: str) -> Response:
    """Creates or replaces a digital twin."""
    check_twin_id(twin_id)
    create_only = parse_if_none_match(call.header("if-none-match"))
    payload = await read_document(call)
    if type(payload) is not dict:
        raise errors.payload_invalid()
    written = await call.write(
        lambda tx: digital_twins.put(tx, call.settings, twin_id, payload, create_only=create_only)
    )
    return _answer(call, written.etag, written.document)


async def patch(call: Call, twin_id: str) -> Response:
    """Patches a digital twin."""
    check_twin_id(twin_id)
    if_match = parse_if_match(call.header("if-match"))
    document = await read_patch(call, parameter=PATCH_PARAMETER)
    etag = await call.write(lambda tx: digital_twins.patch(tx, call.settings, twin_id, document, if_match=if_match))
    return no_content(etag)


async def delete(call: Call, twin_id: str) -> Response:
    """Deletes a digital twin."""
    check_twin_id(twin_id)
    if_match = parse_if_match(call.header("if-match"))
    await call.write(lambda tx: digital_twins.delete(tx, twin_id, if_match=if_match))
    return no_content()


def _answer(call: Call, etag: str, document: bytes) -> Response:
    if call.api_version == API_VERSION_2020:
        document = orjson.dumps(without_update_times(orjson.loads(document)))
    return json_answer(document, etag=etag)
