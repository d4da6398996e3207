"""The order in which models can be uploaded: each after those that it needs."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from twinfront_server.graph.item import ModelWrite


def upload_order(models: Sequence[ModelWrite]) -> list[int]:
    """The positions of the models, each after those of the models that it needs.

    Whatever mentions another model's id, but as the target of a relationship, counts as needing it: as base, as
    component. Models that need each other are not valid DTDL; they and what needs them come last.
    """
    positions = {model.model_id: position for position, model in enumerate(models)}
    unmet = [0] * len(models)
    needed_by: list[list[int]] = [[] for _ in models]
    for position, model in enumerate(models):
        mentioned = {positions[text] for text in _strings(orjson.loads(model.text)) if text in positions}
        for needed in mentioned - {position}:
            unmet[position] += 1
            needed_by[needed].append(position)
    ordered = [position for position, count in enumerate(unmet) if count == 0]
    for position in ordered:
        for dependent in needed_by[position]:
            unmet[dependent] -= 1
            if unmet[dependent] == 0:
                ordered.append(dependent)
    return ordered + [position for position, count in enumerate(unmet) if count]


def _strings(document: Any) -> Iterator[str]:
    rest = [document]
    while rest:
        part = rest.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, list):
            rest += part
        elif isinstance(part, dict):
            # The target of a relationship need not exist.
            rest += [value for name, value in part.items() if name != "target"]
