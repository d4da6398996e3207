"""Copies of a graph, made from its log of changes, and what they have to be."""

from collections.abc import Iterable
from typing import Any

import orjson

from localtwins.engine import digital_twin, json_patch, relationship
from localtwins.store.change import Change

from .adt import Adt

Document = dict[str, Any]


def follow(changes: Iterable[Change], state: dict[str, Document] | None = None) -> dict[str, Document]:
    """The documents of all twins, relationships and models by subject, made from the log and a state before it."""
    documents = {} if state is None else state
    for change in changes:
        kind, data = change.type.split(".", 1)[1].removeprefix("DigitalTwins."), orjson.loads(change.data)
        if kind in {"Job.Write", "Job.End"}:
            continue
        if kind.endswith(".Create"):
            assert change.subject not in documents
            documents[change.subject] = data
        elif kind.endswith(".Delete"):
            assert without_times(documents.pop(change.subject)) == without_times(data)
            assert data.get("$etag", "") == change.etag
        elif kind == "Model.Decommission":
            documents[change.subject] = data
        elif kind.startswith("Twin."):
            twin = documents[change.subject]
            before = digital_twin.model_of(twin)
            operations = json_patch.parse_operations(data["patch"])
            digital_twin.patch(twin, operations, etag=change.etag, now=change.time)
            after = digital_twin.model_of(twin)
            assert after == change.model_id == data["modelId"]
            assert change.previous_model_id == (before if before != after else "")
        else:
            link = documents[change.subject]
            target_id, name = link["$targetId"], link["$relationshipName"]
            for operation in json_patch.parse_operations(data["patch"]):
                if operation.tokens[0].startswith("$"):
                    link[operation.tokens[0]] = operation.value
                else:
                    relationship.patch(link, [operation], etag="")
            link["$etag"] = change.etag
            assert (link["$targetId"], link["$relationshipName"]) == (change.target_id, change.relationship_name)
            assert change.previous_target_id == ("" if target_id == change.target_id else target_id)
            assert change.previous_relationship_name == ("" if name == change.relationship_name else name)
    return documents


def without_times(value: Any) -> Any:
    """A document without update times: those of a twin that was replaced are not in its patch."""
    if isinstance(value, list):
        return [without_times(element) for element in value]
    if not isinstance(value, dict):
        return value
    times = {"$lastUpdateTime", "lastUpdateTime"}
    return {name: without_times(member) for name, member in value.items() if name not in times}


async def graph_of(adt: Adt, twins: Iterable[str]) -> dict[str, Document]:
    """Those of the twins that are there, with their relationships, and all models, by subject."""
    documents = {model["id"]: model for model in (await adt.get("/models")).body["value"]}
    for twin_id in twins:
        answer = await adt.get(f"/digitaltwins/{twin_id}")
        if answer.status == 200:
            documents[twin_id] = answer.body
            links = (await adt.get(f"/digitaltwins/{twin_id}/relationships")).body["value"]
            documents |= {f"{twin_id}/relationships/{link['$relationshipId']}": link for link in links}
    return documents
