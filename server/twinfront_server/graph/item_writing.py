"""Writes the items of an import: models once those that they need may have come, all else in the order that matters."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from twinfront_server.adt.body import Body
from twinfront_server.call import current_call
from twinfront_server.errors import TwinfrontError, rename_fields
from twinfront_server.graph.held_models import HeldModel, HeldModels
from twinfront_server.graph.item import DigitalTwinWrite, Item, ModelWrite, RelationshipWrite, Write, item_field
from twinfront_server.graph.model_upload import upload_models
from twinfront_server.graph.ordering import Ordering
from twinfront_server.graph.reporting import Report
from twinfront_server.reasons import Reason
from twinfront_server.upstream import Answer, Upstream
from twinfront_server.upstream.pacing import Pace

_HOPELESS: Final = frozenset(
    {Reason.UPSTREAM_CREDENTIALS_REJECTED, Reason.VALIDATE_ONLY_UNSUPPORTED, Reason.SERVER_DRAINING}
)
"""Reasons that hold for every item, and end the stream."""

PutTwin = Callable[[str, Body], Awaitable[Answer]]
"""Creates or replaces the twin of an id."""


class ItemWriter:
    """Writes items, and reports how each ended.

    Args:
        upstream: where they are written to.
        put_twin: writes those that are twins.
        concurrency: how many writes are under way at a time.
        ordering: whose workers do the writing.
        report: told how items ended.
        give_up: told what no item can be written for.
    """

    def __init__(
        self,
        upstream: Upstream,
        put_twin: PutTwin,
        concurrency: int,
        ordering: Ordering,
        report: Report,
        give_up: Callable[[TwinfrontError], None],
    ) -> None:
        self._upstream = upstream
        self._put_twin = put_twin
        self._call = current_call()
        self._pace = Pace(concurrency, self._call.remaining)
        self._ordering = ordering
        self._report = report
        self._give_up = give_up
        self._models = HeldModels()
        self._hopeless = False

    @property
    def holds_models(self) -> bool:
        """Tells whether there are models that wait for others."""
        return bool(self._models)

    async def take(self, item: Item) -> None:
        """Takes in an item; waits while there is too much to be written."""
        match item.write:
            case None:
                await self._report.add(item, item.error)
            case ModelWrite() as model:
                if not self._models.has_room_for(model):
                    await self.create_models()
                self._models.add(item, model)
            case DigitalTwinWrite(digital_twin_id, body) as write:
                await self.create_models()
                await self._ordering.submit(
                    partial(self._write, item, write), size=len(body.content), alone=[digital_twin_id]
                )
            case RelationshipWrite(source_id, relationship_id, target_id, body) as write:
                await self.create_models()
                await self._ordering.submit(
                    partial(self._write, item, write),
                    size=len(body.content),
                    alone=[(source_id, relationship_id)],
                    shared={source_id, target_id},
                )

    async def _write(self, item: Item, write: DigitalTwinWrite | RelationshipWrite) -> None:
        if self._hopeless:
            return
        try:
            answer = await self._pace.run(partial(self._put, write))
        except TwinfrontError as error:
            await self._fail(item, write, error)
        else:
            await self._report.add(item, etag="" if self._call.validate_only else answer.etag)

    async def _put(self, write: DigitalTwinWrite | RelationshipWrite) -> Answer:
        if isinstance(write, DigitalTwinWrite):
            return await self._put_twin(write.digital_twin_id, write.body)
        return await self._upstream.relationships.put(
            write.source_id, write.relationship_id, write.body, if_none_match=False
        )

    async def create_models(self, *, all_came: bool = True) -> None:
        """Creates the models that are held.

        Args:
            all_came: whether none can come any more that these need; else those that seem to need one are held on to,
                and those that seemed to before are not tried again for nothing.
        """
        if not self._models or self._hopeless:
            return
        await self._ordering.idle()
        held = self._models.take() if all_came else self._models.take_promising()
        in_vain: list[HeldModel] = []
        outcomes = await upload_models(
            self._upstream, self._pace, [model for _, model in held], validate_only=self._call.validate_only
        )
        for (item, model), error in zip(held, outcomes, strict=True):
            if error is None:
                await self._report.add(item)
            elif error.reason is Reason.DTDL_INVALID and not all_came:
                in_vain.append((item, model))
            else:
                await self._fail(item, model, error)
        if in_vain:
            await asyncio.to_thread(self._models.put_back, in_vain)

    async def _fail(self, item: Item, write: Write, error: TwinfrontError) -> None:
        if error.reason in _HOPELESS:
            self._hopeless = True
            self._give_up(error)
        else:
            rename_fields(error, partial(item_field, write))
            await self._report.add(item, error)
