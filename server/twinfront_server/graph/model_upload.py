"""Uploading models that follow each other in a stream.

The upstream creates the models of one upload all or none. Here each one counts for itself: an upload that is refused
is halved until the one it was refused for is alone, and while all goes well the next ones double. So the uploads grow
with the models, however many of these are bad.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from twinfront_server.adt.json_text import parse_answer
from twinfront_server.errors import TwinfrontError, resource_error
from twinfront_server.graph.item import ModelWrite, models_body
from twinfront_server.graph.model_order import needs_of, upload_order
from twinfront_server.reasons import Reason
from twinfront_server.upstream import Upstream
from twinfront_server.upstream.pacing import Pace
from twinfront_server.wire.limits import MAX_MODELS

MAX_BYTES: Final = 4 << 20
"""How large an upload gets, a single model aside."""

_ABOUT_THE_MODELS: Final = frozenset(
    {Reason.DTDL_INVALID, Reason.INVALID_ARGUMENT, Reason.LIMIT_REACHED, Reason.MODEL_ALREADY_EXISTS}
)
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
    needs = await asyncio.to_thread(needs_of, models)
    upload = _Upload(upstream, pace, models, needs if validate_only else None)
    waiting = deque(upload_order(needs))
    most = MAX_MODELS
    while waiting:
        together = _next_upload(waiting, models, most)
        unsettled = await upload.create(together)
        if unsettled:
            most = (len(unsettled) + 1) // 2
            waiting.extendleft(reversed(unsettled))
        elif all(upload.outcomes[position] is None for position in together):
            most = min(MAX_MODELS, 2 * most)
    return upload.outcomes


class _Upload:
    """Uploads of some models, and how each of these ended.

    Args:
        upstream: where to.
        pace: what runs each upload.
        models: the models.
        sent_along: in a dry run, by position the models that each needs to have sent along: nothing is stored then.
    """

    def __init__(
        self,
        upstream: Upstream,
        pace: Pace,
        models: Sequence[ModelWrite],
        sent_along: Sequence[Iterable[int]] | None,
    ) -> None:
        self.outcomes: Outcomes = [None] * len(models)
        self._upstream = upstream
        self._pace = pace
        self._models = models
        self._sent_along = sent_along
        # What was found good and is not stored: later uploads may refer to it.
        self._not_stored: set[int] = set()

    async def create(self, positions: Sequence[int]) -> Sequence[int]:
        """Creates the models at these positions; gives those that were refused together, for whichever of them."""
        while positions:
            try:
                await self._post(positions)
            except TwinfrontError as error:
                existing = _existing(error, [self._models[position] for position in positions])
                if not existing:
                    if error.reason in _ABOUT_THE_MODELS and len(positions) > 1:
                        return positions
                    for position in positions:
                        self.outcomes[position] = error.renewed()
                    break
                known = [position for position in positions if self._models[position].model_id in existing]
                await asyncio.gather(*map(self._compare, known))
                positions = [position for position in positions if self._models[position].model_id not in existing]
            else:
                break
        return ()

    async def _post(self, positions: Sequence[int]) -> None:
        body = models_body([self._models[position] for position in (*self._along_with(positions), *positions)])
        await self._pace.run(lambda: self._upstream.models.post(body))
        if self._sent_along is not None:
            self._not_stored.update(positions)

    def _along_with(self, positions: Sequence[int]) -> Iterator[int]:
        """Gives the models that have to be sent along with others: those that they need, and those that these need."""
        if self._sent_along is None:
            return
        seen, rest = set(positions), list(positions)
        while rest:
            for needed in self._sent_along[rest.pop()]:
                if needed in self._not_stored and needed not in seen:
                    seen.add(needed)
                    rest.append(needed)
                    yield needed

    async def _compare(self, position: int) -> None:
        """Tells whether a model that is there already has the same content."""
        model = self._models[position]
        try:
            answer = await self._pace.run(
                lambda: self._upstream.models.get(model.model_id, include_model_definition=True)
            )
            if parse_answer(answer.body).get("model") != parse_answer(model.text):
                self.outcomes[position] = _exists(model.model_id)
        except TwinfrontError as error:
            self.outcomes[position] = error


def _next_upload(waiting: deque[int], models: Sequence[ModelWrite], most: int) -> list[int]:
    """Takes the next positions off, as many as go into one upload of no more than so many models."""
    together = [waiting.popleft()]
    size = len(models[together[0]].text)
    while waiting and len(together) < most:
        size += len(models[waiting[0]].text)
        if size > MAX_BYTES:
            break
        together.append(waiting.popleft())
    return together


def _existing(error: TwinfrontError, models: Sequence[ModelWrite]) -> set[str]:
    """Gives the ids of models that are there already, out of an upload's refusal."""
    if error.reason is not Reason.MODEL_ALREADY_EXISTS:
        return set()
    ids = {model.model_id for model in models}
    return ids & set(error.metadata.get("model_id", "").split(", ")) or (ids if len(ids) == 1 else set())


def _exists(model_id: str) -> TwinfrontError:
    message = f"There is a model {model_id} already, with another content. Models are immutable; give it a new version."
    return resource_error(
        Reason.MODEL_ALREADY_EXISTS, "twinfront.v1.Model", model_id, message, metadata={"model_id": model_id}
    )
