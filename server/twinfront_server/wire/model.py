"""Models: messages to and from the JSON of Azure Digital Twins."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from twinfront.v1.model_pb2 import Model
from twinfront_server.adt.body import Body
from twinfront_server.adt.expected_answer import expects_answer
from twinfront_server.adt.json_text import json_values, parse_answer
from twinfront_server.errors import invalid_argument
from twinfront_server.reasons import Reason
from twinfront_server.wire.json_field import parse_json
from twinfront_server.wire.limits import MAX_MODEL_VALUES, ValueCount, require_models
from twinfront_server.wire.timestamp import fill_timestamp

_REASON: Final = Reason.DTDL_INVALID


@expects_answer
def fill_model(model: Model, body: bytes, *, as_json: bool) -> None:
    """Sets an empty message to model data that the upstream answered."""
    if as_json:
        model.json = body
    else:
        fill_listed_model(model, parse_answer(body), as_json=False)


def created_models(body: bytes) -> list[dict[str, Any]]:
    """Gives the model data that the upstream answered to the creation of models, item by item."""
    models: list[dict[str, Any]] = parse_answer(body)
    return models


@expects_answer
def fill_listed_model(model: Model, item: Mapping[str, Any], *, as_json: bool) -> None:
    """Sets an empty message to one item of a list of models."""
    if as_json:
        model.json = orjson.dumps(item)
        return
    model.id = item["id"]
    model.display_name.update(item.get("displayName") or {})
    model.description.update(item.get("description") or {})
    model.decommissioned = item.get("decommissioned", False)
    if item.get("uploadTime"):
        fill_timestamp(model.upload_time, item["uploadTime"])
    if "model" in item:
        model.dtdl_model = orjson.dumps(item["model"]).decode()


def models_body(dtdl_models: Sequence[str]) -> Body:
    """Makes the JSON array to send for models that a caller wants created.

    Raises:
        TwinfrontError: INVALID_ARGUMENT without any model; LIMIT_REACHED for too many; DTDL_INVALID for too many
            values, or a text that is not one JSON object.
    """
    require_models(len(dtdl_models), "dtdl_models")
    if not dtdl_models:
        raise invalid_argument("dtdl_models", "is empty; give at least one DTDL interface")
    texts = [text.encode() for text in dtdl_models]
    count = ValueCount(MAX_MODEL_VALUES)
    for index, text in enumerate(texts):
        problem = count.add(json_values(text))
        if problem is not None:
            raise invalid_argument(f"dtdl_models[{index}]", f"with those before it {problem}", reason=_REASON)
    documents, ids = [], []
    for index, text in enumerate(texts):
        field = f"dtdl_models[{index}]"
        document = parse_json(text, field, reason=_REASON, max_values=MAX_MODEL_VALUES)
        if not isinstance(document, dict):
            raise invalid_argument(field, "must be one DTDL interface, a JSON object", reason=_REASON)
        documents.append(orjson.Fragment(text))
        ids.append(str(document.get("@id", "")))
    return Body(orjson.dumps(documents), "dtdl_models", items=ids)
