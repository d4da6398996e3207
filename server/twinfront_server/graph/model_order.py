"""The order in which models can be uploaded: each after those that it needs."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from twinfront_server.graph.item import ModelWrite


def mentioned_ids(model: ModelWrite) -> set[str]:
    """Gives the ids of models that a model mentions, except as targets of relationships; its own may be among them."""
    return {text for text in _strings(orjson.loads(model.text)) if text.startswith("dtmi:")}


def needs_of(models: Sequence[ModelWrite]) -> list[set[int]]:
    """Gives for each model the positions of those that it needs.

    Whatever mentions another model's id, but as the target of a relationship, counts as needing it: as base, as
    component.
    """
    positions = {model.model_id: position for position, model in enumerate(models)}
    return [
        {positions[text] for text in mentioned_ids(model) if text in positions} - {position}
        for position, model in enumerate(models)
    ]


def upload_order(needs: Sequence[Iterable[int]]) -> list[int]:
    """Gives the positions of models, each after those of the models that it needs.

    Models that need each other are not valid DTDL; they and what needs them come last.
    """
    unmet = [0] * len(needs)
    needed_by: list[list[int]] = [[] for _ in needs]
    for position, needed in enumerate(needs):
        for each in needed:
            unmet[position] += 1
            needed_by[each].append(position)
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
