"""/digitaltwins/{id}/relationships[/{relationship id}] and /digitaltwins/{id}/incomingrelationships."""

from urllib.parse import quote

import orjson

from localtwins import errors
from localtwins.engine.etag import parse_if_match, parse_if_none_match
from localtwins.engine.identifiers import check_relationship_id, check_twin_id
from localtwins.engine.relationship import sort_key
from localtwins.message import Response
from localtwins.operations import relationships
from localtwins.rest.answers import json_answer, no_content
from localtwins.rest.bodies import read_document, read_patch
from localtwins.rest.call import Call
from localtwins.rest.paging import RELATIONSHIPS_PAGE, next_link, read_token


async def get(call: Call, source_id: str, relationship_id: str) -> Response:
    """Gets a relationship."""
    relationship = call.read.relationship(source_id, relationship_id)
    if relationship is None:
        _check_ids(source_id, relationship_id)
        _check_twin_exists(call, source_id)
        raise errors.relationship_not_found(source_id, relationship_id)
    return json_answer(relationship.document, etag=relationship.etag)


async def put(call: Call, source_id: str, relationship_id: str) -> Response:
    """Creates or replaces a relationship."""
    _check_ids(source_id, relationship_id)
    create_only = parse_if_none_match(call.header("if-none-match"))
    payload = await read_document(call)
    written = await call.write(
        lambda tx: relationships.put(tx, call.settings, source_id, relationship_id, payload, create_only=create_only)
    )
    return json_answer(written.document, etag=written.etag)


async def patch(call: Call, source_id: str, relationship_id: str) -> Response:
    """Patches a relationship."""
    _check_ids(source_id, relationship_id)
    if_match = parse_if_match(call.header("if-match"))
    document = await read_patch(call)
    etag = await call.write(
        lambda tx: relationships.patch(tx, call.settings, source_id, relationship_id, document, if_match=if_match)
    )
    return no_content(etag)


async def delete(call: Call, source_id: str, relationship_id: str) -> Response:
    """Deletes a relationship."""
    _check_ids(source_id, relationship_id)
    if_match = parse_if_match(call.header("if-match"))
    await call.write(lambda tx: relationships.delete(tx, source_id, relationship_id, if_match=if_match))
    return no_content()


async def list_outgoing(call: Call, source_id: str) -> Response:
    """Lists the relationships that leave a twin, whole."""
    check_twin_id(source_id)
    name = call.parameter("relationshipname")
    token = read_token(call, (str,))
    last_id = token[0] if token else ""
    _check_twin_exists(call, source_id)
    rows = call.read.outgoing(source_id, (sort_key(last_id), last_id), RELATIONSHIPS_PAGE + 1, name)
    link = None
    if len(rows) > RELATIONSHIPS_PAGE:
        del rows[RELATIONSHIPS_PAGE:]
        parameters = {} if name is None else {"relationshipName": name}
        link = next_link(call, f"/digitaltwins/{quote(source_id, safe='')}/relationships", [rows[-1][0]], parameters)
    return json_answer(
        b'{"nextLink":%b,"value":[%b]}' % (orjson.dumps(link), b",".join(document for _, document in rows))
    )


async def list_incoming(call: Call, target_id: str) -> Response:
    """Lists the relationships that reach a twin: the twin that each comes from, and a link to each."""
    check_twin_id(target_id)
    token = read_token(call, (str, str))
    last_id, last_source = token or ("", "")
    _check_twin_exists(call, target_id)
    rows = call.read.incoming(target_id, (sort_key(last_id), last_id, last_source), RELATIONSHIPS_PAGE + 1)
    link = None
    if len(rows) > RELATIONSHIPS_PAGE:
        del rows[RELATIONSHIPS_PAGE:]
        last = [rows[-1].id, rows[-1].source_id]
        link = next_link(call, f"/digitaltwins/{quote(target_id, safe='')}/incomingrelationships", last)
    value = [
        {
            "$relationshipId": row.id,
            "$sourceId": row.source_id,
            "$relationshipName": row.name,
            "$relationshipLink": (
                f"{call.request.base_url}/digitaltwins/{quote(row.source_id, safe='')}"
                f"/relationships/{quote(row.id, safe='')}?api-version={call.api_version}"
            ),
        }
        for row in rows
    ]
    return json_answer(orjson.dumps({"nextLink": link, "value": value}))


def _check_ids(source_id: str, relationship_id: str) -> None:
    check_twin_id(source_id)
    check_relationship_id(relationship_id)


def _check_twin_exists(call: Call, twin_id: str) -> None:
    if not call.read.digital_twin_exists(twin_id):
        raise errors.digital_twin_not_found(twin_id)
