"""/models[/{dtmi}]."""

from contextlib import suppress
from functools import partial
from typing import Final

import orjson

from localtwins import dtdl, errors, limits
from localtwins.engine.identifiers import check_model_id
from localtwins.message import Response
from localtwins.operations import models
from localtwins.rest.answers import json_answer, no_content
from localtwins.rest.bodies import element_sizes, read_document, read_patch
from localtwins.rest.call import Call
from localtwins.rest.paging import MODELS_PAGE, next_link, page_size, read_token
from localtwins.store.reader import ModelRow
from localtwins.workers import PARSING_SECONDS

_DEFINITION: Final = "includemodeldefinition"
_CHECKS: Final = 5
"""How often an upload is checked while others change the models that it builds on."""


async def create(call: Call) -> Response:
    """Creates models, all or none."""
    body = call.request.body
    documents = await read_document(call, most_values=limits.MODEL_VALUES)
    if type(documents) is not list or not documents:
        raise errors.models_empty()
    limit = call.settings.max_models_per_request
    if len(documents) > limit:
        raise errors.limit_exceeded(f"The request has {len(documents)} models and may have {limit}.")
    sizes = None
    if len(body) > dtdl.INTERFACE_BYTES:
        sizes = await call.workers.run(partial(element_sizes, body), expected=len(body) * PARSING_SECONDS)
    for _ in range(_CHECKS):
        checked = await models.checked(call.database, call.workers, documents, sizes, size=len(body))
        with suppress(models.ModelsChangedError):
            created = await call.write(partial(models.create, settings=call.settings, models=checked))
            return json_answer(b"[%b]" % b",".join(created), status=201)
    raise errors.models_change()


async def list_all(call: Call) -> Response:
    """Lists models in the order of upload, all of them or the ones that some models need."""
    with_definition = call.flag(_DEFINITION)
    size = page_size(call, MODELS_PAGE)
    token = read_token(call, (int,))
    after = token[0] if token else 0
    wanted = call.parameters.get("dependenciesfor")
    if wanted is not None:
        for model_id in wanted:
            check_model_id(model_id)
        missing = call.read.models_missing(wanted)
        if missing:
            raise errors.model_not_found(missing)
    rows = call.read.models(
        after,
        size + 1,
        with_definition=with_definition,
        dependencies_for=None if wanted is None else orjson.dumps(wanted),
        most_bytes=limits.PAGE_BYTES,
    )
    link = None
    if len(rows) > size or sum(row.size for row in rows) > limits.PAGE_BYTES:
        rows.pop()
        parameters: dict[str, object] = {"includeModelDefinition": str(with_definition)}
        if wanted is not None:
            parameters["dependenciesFor"] = wanted
        link = next_link(call, "/Models", [rows[-1].position], parameters)
    return json_answer(b'{"value":[%b],"nextLink":%b}' % (b",".join(map(_model, rows)), orjson.dumps(link)))


async def get(call: Call, model_id: str) -> Response:
    """Gets a model."""
    check_model_id(model_id)
    with_definition = call.flag(_DEFINITION)
    row = call.read.model(model_id)
    if row is None:
        raise errors.model_not_found([model_id])
    return json_answer(_model(row) if with_definition else row.data)


async def decommission(call: Call, model_id: str) -> Response:
    """Decommissions a model."""
    check_model_id(model_id)
    document = await read_patch(call)
    await call.write(lambda tx: models.decommission(tx, model_id, document))
    return no_content()


async def delete(call: Call, model_id: str) -> Response:
    """Deletes a model."""
    check_model_id(model_id)
    await call.write(lambda tx: models.delete(tx, model_id))
    return no_content()


def _model(row: ModelRow) -> bytes:
    if row.definition is None:
        return row.data
    return b'%b,"model":%b}' % (row.data[:-1], row.definition)
