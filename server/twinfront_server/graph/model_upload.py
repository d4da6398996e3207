"""Uploading models that follow each other in a stream.

The upstream creates the models of one upload all or none. Here each one counts for itself: what an upload was refused
for is found by halving it, and the others are stored.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

import grpc

from twinfront_server.errors import TwinfrontError, resource_info
from twinfront_server.graph.item import ModelWrite, models_body
from twinfront_server.graph.model_order import upload_order
from twinfront_server.graph.pacing import Pace
from twinfront_server.upstream import Upstream
from twinfront_server.wire.json_text import parse_answer

MAX_MODELS: Final = 250
"""The most models that Azure Digital Twins takes in one upload."""

MAX_BYTES: Final = 4 << 20
"""How large an upload gets, a single model aside."""

_ABOUT_THE_MODELS: Final = frozenset({"DTDL_INVALID", "INVALID_ARGUMENT", "LIMIT_REACHED", "MODEL_ALREADY_EXISTS"})
"""Reasons for which an upload is refused because of some model in it."""

Outcomes = list[TwinfrontError | None]
"""How each model of a sequence ended; None for those that are stored now."""


async def upload_models(
    upstream: Upstream, pace: Pace, models: Sequence[ModelWrite], *, validate_only: bool
) -> Outcomes:
    """Creates models with different ids that may refer to each other in any order.

    A model that is there already with the same content is left as it is.

    Args:
        upstream: where to.
        pace: what runs each upload.
        models: the models.
        validate_only: whether uploads write nothing, and thus need the models that they refer to with them.
    """
    upload = _Upload(upstream, pace, models, validate_only=validate_only)
    for positions in _uploads(models):
        await upload.create(positions)
    return upload.outcomes


class _Upload:
    def __init__(self, upstream: Upstream, pace: Pace, models: Sequence[ModelWrite], *, validate_only: bool) -> None:
        self.outcomes: Outcomes = [None] * len(models)
        self._upstream = upstream
        self._pace = pace
        self._models = models
        self._validate_only = validate_only
        # What was found good and is not stored: later uploads may refer to it.
        self._not_stored: list[ModelWrite] = []

    async def create(self, positions: Sequence[int]) -> None:
        """Creates those of the models at these positions that can be."""
        models = [self._models[position] for position in positions]
        try:
            await self._post(models)
        except TwinfrontError as error:
            existing = _existing(error, models)
            if existing:
                known = [position for position in positions if self._models[position].model_id in existing]
                await asyncio.gather(*map(self._compare, known))
                rest = [position for position in positions if position not in known]
                if rest:
                    await self.create(rest)
            elif error.reason in _ABOUT_THE_MODELS and len(positions) > 1:
                half = len(positions) // 2
                await self.create(positions[:half])
                await self.create(positions[half:])
            else:
                for position in positions:
                    self.outcomes[position] = error

    async def _post(self, models: list[ModelWrite]) -> None:
        needed = self._not_stored[max(0, len(self._not_stored) + len(models) - MAX_MODELS) :]
        body = models_body([*needed, *models])
        await self._pace.run(lambda: self._upstream.post_models(body))
        if self._validate_only:
            self._not_stored += models

    async def _compare(self, position: int) -> None:
        """Of a model that is there already, whether it has the same content."""
        model = self._models[position]
        try:
            answer = await self._pace.run(
                lambda: self._upstream.get_model(model.model_id, include_model_definition=True)
            )
            if parse_answer(answer.body).get("model") != parse_answer(model.text):
                self.outcomes[position] = _exists(model.model_id)
        except TwinfrontError as error:
            self.outcomes[position] = error


def _uploads(models: Sequence[ModelWrite]) -> Iterator[list[int]]:
    """The positions of the models in the order of upload, as many together as one upload takes."""
    together: list[int] = []
    size = 0
    for position in upload_order(models):
        model_size = len(models[position].text)
        if together and (len(together) == MAX_MODELS or size + model_size > MAX_BYTES):
            yield together
            together, size = [], 0
        together.append(position)
        size += model_size
    if together:
        yield together


def _existing(error: TwinfrontError, models: Sequence[ModelWrite]) -> set[str]:
    """The ids of the models that are there already, of an upload that was refused for that."""
    if error.reason != "MODEL_ALREADY_EXISTS":
        return set()
    ids = {model.model_id for model in models}
    return ids & set(error.metadata.get("model_id", "").split(", ")) or (ids if len(ids) == 1 else set())


def _exists(model_id: str) -> TwinfrontError:
    message = f"There is a model {model_id} already, with another content. Models are immutable; give it a new version."
    return TwinfrontError(
        grpc.StatusCode.ALREADY_EXISTS,
        "MODEL_ALREADY_EXISTS",
        message,
        metadata={"model_id": model_id},
        details=[resource_info("twinfront.v1.Model", model_id, message)],
    )
