"""/digitaltwins/{id}/components/{name}."""

import orjson

from localtwins import errors
from localtwins.engine.digital_twin import is_component, without_update_times
from localtwins.engine.etag import parse_if_match
from localtwins.engine.identifiers import check_twin_id
from localtwins.message import Response
from localtwins.operations import digital_twins
from localtwins.rest.answers import json_answer, no_content
from localtwins.rest.bodies import read_patch
from localtwins.rest.call import API_VERSION_2020, Call


async def get(call: Call, twin_id: str, name: str) -> Response:
    """Gets a component, under the etag of its twin."""
    check_twin_id(twin_id)
    twin = call.read.digital_twin(twin_id)
    if twin is None:
        raise errors.digital_twin_not_found(twin_id)
    component = orjson.loads(twin.document).get(name)
    if not is_component(component):
        raise errors.component_not_found(twin_id, name)
    if call.api_version == API_VERSION_2020:
        component = without_update_times(component)
    return json_answer(orjson.dumps(component), etag=twin.etag)


async def patch(call: Call, twin_id: str, name: str) -> Response:
    """Patches a component; the etag is its twin's."""
    check_twin_id(twin_id)
    if_match = parse_if_match(call.header("if-match"))
    document = await read_patch(call)
    etag = await call.write(
        lambda tx: digital_twins.patch(tx, call.settings, twin_id, document, if_match=if_match, component=name)
    )
    return no_content(etag)
