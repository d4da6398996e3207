"""Replacing a digital twin under a condition, which the service's own PUT does not have."""

from functools import partial
from typing import Final

import orjson

from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront_server.adt.body import Body
from twinfront_server.adt.twin_json import METADATA, MODEL, Document, is_component, source_time_metadata, source_times
from twinfront_server.call import current_call
from twinfront_server.errors import TwinfrontError, invalid_argument
from twinfront_server.large_requests import LARGE_BYTES, work
from twinfront_server.reasons import Reason
from twinfront_server.upstream import Answer, Upstream
from twinfront_server.wire import identifier
from twinfront_server.wire.digital_twin import digital_twin_body
from twinfront_server.wire.json_field import require_moderate_depth
from twinfront_server.writes.difference import difference
from twinfront_server.writes.rewriting import MAX_CONFLICTS, rewrite

_TWIN_MEMBERS: Final = frozenset({"$dtId", "$etag", "$id", METADATA})
"""Names that a PUT takes; of `$id`, which some programs send, it makes nothing."""

_COMPONENT_MEMBERS: Final = frozenset({METADATA})


async def create_or_replace(
    upstream: Upstream, digital_twin_id: str, twin: DigitalTwin, *, if_match: str, if_none_match: str, large: bool
) -> Answer:
    """Creates or replaces a twin; under `if_match` it replaces only.

    Args:
        upstream: where the twin is.
        digital_twin_id: its id.
        twin: what it is to be.
        if_match: the request's condition of that name, and
        if_none_match: its other one.
        large: whether work on the twin takes long.

    Returns:
        The twin as this write left it. Under `if_match` the service does not say, and it has no times; see `read_back`.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for both conditions at once, or one that is none; TWIN_NOT_FOUND and
            ETAG_MISMATCH under `if_match`; and as a plain replacement does.
    """
    etag, create_only = identifier.if_match(if_match), identifier.if_none_match(if_none_match)
    if etag and create_only:
        raise invalid_argument("if_none_match", "must be empty when if_match is set")
    body = await work(lambda: digital_twin_body(twin, digital_twin_id), large=large)
    if etag:
        return await _replace(upstream, digital_twin_id, body, if_match=etag, large=large)
    if create_only:
        return await upstream.twins.put(digital_twin_id, body, if_none_match=True)
    return await put_digital_twin(upstream, digital_twin_id, body)


async def put_digital_twin(upstream: Upstream, digital_twin_id: str, body: Body) -> Answer:
    """Creates or replaces a twin whatever it is; a caller limited by models does so only as it was seen to lie inside.

    Raises:
        TwinfrontError: why it was not written.
    """
    if not current_call().scope.models_of(digital_twin_id):
        return await upstream.twins.put(digital_twin_id, body, if_none_match=False)
    return await _create_or_replace_as_seen(upstream, digital_twin_id, body)


async def _replace(upstream: Upstream, digital_twin_id: str, body: Body, *, if_match: str, large: bool) -> Answer:
    wanted = await work(lambda: _wanted(body), large=large)
    change = partial(_patch, wanted, body.field)
    rewritten = await rewrite(upstream, digital_twin_id, change, if_match=if_match, large=large)
    return Answer(_as_left(wanted, digital_twin_id, rewritten.etag), rewritten.etag)


async def _create_or_replace_as_seen(upstream: Upstream, digital_twin_id: str, body: Body) -> Answer:
    """Creates a twin that is not there, or replaces one as it was seen to be of a model that the caller may write to.

    A PUT has no condition by which it would leave alone a twin that somebody gives another model meanwhile.
    """
    large = len(body.content) > LARGE_BYTES
    for _ in range(MAX_CONFLICTS):
        try:
            return await upstream.twins.put(digital_twin_id, body, if_none_match=True)
        except TwinfrontError as there:
            if there.reason is not Reason.TWIN_ALREADY_EXISTS:
                raise
        try:
            replaced = await _replace(upstream, digital_twin_id, body, if_match="*", large=large)
        except TwinfrontError as error:
            if error.reason is not Reason.CALLER_NOT_PERMITTED:
                raise
            # It was deleted, or it lies outside by now: another attempt to create it tells.
            refusal = error
        else:
            return await read_back(upstream, digital_twin_id, replaced)
    raise refusal


async def read_back(upstream: Upstream, digital_twin_id: str, written: Answer) -> Answer:
    """Reads a twin with the times of a write; if it was written to since, gives what is known of it."""
    call = current_call()
    if call.validate_only:
        return written
    try:
        async with call.before_deadline():
            read = await upstream.twins.get(digital_twin_id)
    except (TwinfrontError, TimeoutError):
        return written
    return read if read.etag == written.etag else written


def _patch(wanted: Document, field: str, stored: Document) -> Body:
    """Makes the patch of a replacement, empty if nothing differs: a replacement always gives the twin a new etag."""
    operations = difference(stored, wanted, field)
    return Body(orjson.dumps([operation.as_json() for operation in operations]), field)


def _wanted(body: Body) -> Document:
    """Gives the new state of the twin, after the checks that a PUT makes and a patch has no place for."""
    document: Document = orjson.loads(body.content)
    require_moderate_depth(document, body.field)
    metadata = document.get(METADATA)
    if type(metadata) is not dict or type(metadata.get(MODEL)) is not str:
        raise _invalid(body, "Twin is missing $metadata with the id of its model in $model.")
    _check_members(document, _TWIN_MEMBERS, "Twin", body)
    for name, value in document.items():
        if not name.startswith("$") and is_component(value):
            _check_members(value, _COMPONENT_MEMBERS, name, body)
    return document


def _check_members(owner: Document, known: frozenset[str], name: str, body: Body) -> None:
    for member in owner:
        if not member or (member.startswith("$") and member not in known):
            raise _invalid(body, f"{member!r} is not a name that {name} can have.")
    if type(owner[METADATA]) is not dict:
        raise _invalid(body, f"$metadata of {name} is not an object.")
    for member, entry in owner[METADATA].items():
        if not member.startswith("$") and type(entry) is not dict:
            raise _invalid(body, f"$metadata of {member} on {name} is not an object.")
    for member in source_times(owner).keys() - owner.keys():
        raise _invalid(body, f"$metadata of {name} has a sourceTime for {member}, which has no value.")


def _invalid(body: Body, description: str) -> TwinfrontError:
    return invalid_argument(body.field, description, reason=Reason.VALIDATION_FAILED)


def _as_left(wanted: Document, digital_twin_id: str, etag: str) -> bytes:
    members: Document = {"$dtId": digital_twin_id, "$etag": etag}
    for name, value in wanted.items():
        if not name.startswith("$"):
            members[name] = value | {METADATA: source_time_metadata(value)} if is_component(value) else value
    return orjson.dumps(members | {METADATA: {MODEL: wanted[METADATA][MODEL]} | source_time_metadata(wanted)})
