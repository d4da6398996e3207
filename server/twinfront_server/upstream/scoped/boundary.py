"""Tells what lies within the part of the graph that a call may be made in."""

import asyncio
import dataclasses
import random
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, Final, TypeVar

import orjson

from twinfront_server.access.scope import Scope
from twinfront_server.adt.answer import Answer, Page
from twinfront_server.adt.body import Body
from twinfront_server.adt.json_text import loads
from twinfront_server.adt.twin_json import MODEL, metadata_of
from twinfront_server.call import current_call
from twinfront_server.concurrency import for_each
from twinfront_server.errors import (
    TwinfrontError,
    begun_elsewhere,
    caller_not_permitted,
    invalid_argument,
    too_many_writers,
)
from twinfront_server.reasons import Reason
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.reads import document
from twinfront_server.upstream.scoped.lineage import Lineage
from twinfront_server.upstream.sdk_reads import SdkReads

_READS_AT_A_TIME: Final = 16
"""How many twins are read at a time to learn their models."""

_MAX_CONFLICTS: Final = 12
"""How often others may change what was seen before it is written to."""

_LONGEST_WAIT: Final = 0.1
"""Seconds before another look, at the most."""

T = TypeVar("T")

_NOT_THERE: Final = frozenset({Reason.TWIN_NOT_FOUND, Reason.RELATIONSHIP_NOT_FOUND, Reason.MODEL_NOT_FOUND})


class Boundary:
    """Checks twins and models against the scope of the current call.

    What lies outside and what does not exist are answered alike. By its id it is known of a twin without a request to
    the upstream; where the scope has models, the twin is read first.

    Args:
        reads: reads twins, unchecked.
        lineage: knows which models descend from which.
    """

    def __init__(self, reads: SdkReads, lineage: Lineage) -> None:
        self._reads = reads
        self._lineage = lineage

    @property
    def is_none(self) -> bool:
        """Tells whether the call may be made in the whole graph."""
        return not current_call().scope.is_limited

    def is_sure_of(self, digital_twin_id: str) -> bool:
        """Tells whether a twin lies inside by its id alone, whatever else it is or is made.

        Raises:
            TwinfrontError: CALLER_NOT_PERMITTED, if it lies outside by its id alone.
        """
        return self._models(digital_twin_id) is None

    @property
    def goes_by_bodies(self) -> bool:
        """Tells whether what a new twin or relationship says decides whether the call may make it."""
        return not self.is_none or current_call().is_asked_about

    def require_none(self, what: str) -> None:
        """Refuses what takes a permission for the whole graph.

        Raises:
            TwinfrontError: CALLER_NOT_PERMITTED.
        """
        if not self.is_none:
            raise caller_not_permitted(
                f"{_caller()} may not do this: {what} takes a permission for the whole graph, and this caller has it "
                "for a part of the graph alone."
            )

    async def require_twin(self, digital_twin_id: str, scope: Scope | None = None) -> str:
        """Refuses a twin that lies outside, or that may, and gives the etag at which it was seen to lie inside.

        The etag is empty if the twin lies inside whatever it is.

        Raises:
            TwinfrontError: CALLER_NOT_PERMITTED, or what keeps the twin from being read.
        """
        models = self._models(digital_twin_id, scope)
        if models is None:
            return ""
        read = await hidden_if_missing(self._reads.digital_twin(digital_twin_id), _twin(digital_twin_id))
        await self._require_model(digital_twin_id, _model_in(document(read)), models)
        return read.etag

    async def write_as_seen(
        self, look: Callable[[], Awaitable[str]], write: Callable[..., Awaitable[T]], *, if_match: str
    ) -> T:
        """Writes to what lies inside, and only as it was seen to; without a boundary it just writes.

        Between the look and the write another caller may move the thing outside. So the etag of the look becomes the
        write's condition, where the caller has no etag of his own; and a conflict that comes of this is none of his:
        both are done once more.

        Args:
            look: refuses what lies outside; gives the etag of what was seen, empty if nothing had to be.
            write: writes under the condition `only_at`.
            if_match: the caller's condition.

        Raises:
            TwinfrontError: what `look` and `write` raise; ETAG_MISMATCH if others are faster time and again.
        """
        if self.is_none:
            return await write()
        conflicts = 0
        while True:
            seen = await look()
            only_at = seen if if_match in {"", "*"} else ""
            try:
                return await write(only_at=only_at)
            except TwinfrontError as error:
                if error.reason is not Reason.ETAG_MISMATCH or not only_at:
                    raise
                conflicts += 1
                if conflicts == _MAX_CONFLICTS:
                    raise too_many_writers(error, conflicts) from error
            await asyncio.sleep(random.uniform(0.0, _LONGEST_WAIT))  # noqa: S311  (jitter, no secret)

    async def delete_as_seen(
        self, look: Callable[[], Awaitable[str]], delete: Callable[..., Awaitable[T]], asked: Asked
    ) -> T:
        """Deletes what lies inside, and only as it was seen to; see `write_as_seen`.

        Args:
            look: refuses what lies outside.
            delete: deletes under the condition `only_at`.
            asked: what is deleted, and under which condition of the caller's.

        Raises:
            TwinfrontError: as `write_as_seen`; OUTCOME_UNKNOWN in place of CALLER_NOT_PERMITTED if an earlier attempt
                may be why there is nothing.
        """

        async def look_or_tell() -> str:
            try:
                return await look()
            except TwinfrontError as error:
                if error.reason is Reason.CALLER_NOT_PERMITTED and current_call().earlier_attempt is not None:
                    raise begun_elsewhere(asked.path, asked.ids) from error
                raise

        return await self.write_as_seen(look_or_tell, delete, if_match=asked.if_match)

    async def read_twin(self, digital_twin_id: str, read: Callable[[], Awaitable[Answer]]) -> Answer:
        """Reads a twin that lies inside.

        Raises:
            TwinfrontError: CALLER_NOT_PERMITTED, and what `read` raises.
        """
        models = self._models(digital_twin_id)
        if models is None:
            return await read()
        answer = await hidden_if_missing(read(), _twin(digital_twin_id))
        await self._require_model(digital_twin_id, _model_in(document(answer)), models)
        return answer

    async def require_twin_to_write(self, digital_twin_id: str, model: object) -> None:
        """Refuses to put a twin that lies outside, be it as it is or as it is to be.

        Args:
            digital_twin_id: its id.
            model: the model that it is to have.

        Raises:
            TwinfrontError: CALLER_NOT_PERMITTED, or what keeps the twin from being read.
        """
        models = self._models(digital_twin_id)
        if models is None:
            return
        try:
            before = _model_in(document(await self._reads.digital_twin(digital_twin_id)))
        except TwinfrontError as error:
            if error.reason is not Reason.TWIN_NOT_FOUND:
                raise
        else:
            await self._require_model(digital_twin_id, before, models)
        await self._require_model(digital_twin_id, model, models)

    async def require_new_model(self, digital_twin_id: str, model: object) -> None:
        """Refuses to give a twin a model with which it would lie outside.

        Raises:
            TwinfrontError: CALLER_NOT_PERMITTED.
        """
        models = self._models(digital_twin_id)
        if models is not None:
            await self._require_model(digital_twin_id, model, models)

    async def are_inside(self, ids: Collection[object]) -> bool:
        """Tells whether all these are ids, and of twins that lie inside."""
        return all(isinstance(each, str) for each in ids) and await self.inside(ids) >= set(ids)

    async def inside(self, ids: Iterable[object], scope: Scope | None = None) -> frozenset[object]:
        """Gives those of these ids whose twins lie inside a scope, by default the call's."""
        found: set[object] = set()

        async def look(digital_twin_id: str) -> None:
            try:
                await self.require_twin(digital_twin_id, scope)
            except TwinfrontError as error:
                if error.reason is not Reason.CALLER_NOT_PERMITTED:
                    raise
            else:
                found.add(digital_twin_id)

        distinct = list(dict.fromkeys(each for each in ids if isinstance(each, str)))
        await for_each(distinct, _READS_AT_A_TIME, look)
        return frozenset(found)

    async def is_twin_inside(self, twin: dict[str, Any]) -> bool:
        """Tells whether a twin that was read lies inside."""
        digital_twin_id = twin.get("$dtId")
        models = current_call().scope.models_of(digital_twin_id) if isinstance(digital_twin_id, str) else frozenset()
        if models is None:
            return True
        model = _model_in(twin)
        return isinstance(model, str) and bool(models) and await self._lineage.descends(model, models)

    async def require_model(self, model_id: str) -> None:
        """Refuses a model that no twin inside can be of.

        Raises:
            TwinfrontError: CALLER_NOT_PERMITTED, or what keeps models from being read.
        """
        models = current_call().scope.models
        if models is not None and not await self._lineage.descends(model_id, models):
            raise not_permitted(f"models/{model_id}")

    async def models_inside(self, page: Page) -> Page:
        """Gives the models of a page, which has their definitions, that twins inside can be of."""
        models = current_call().scope.models
        if models is None:
            return page
        for item in page.items:
            if isinstance(item.get("id"), str):
                self._lineage.learn(item["id"], item.get("model"))
        kept = [item for item in page.items if await self._lineage.descends(str(item.get("id")), models)]
        return Page(kept, page.next_link, page.query_charge)

    def _models(self, digital_twin_id: str, scope: Scope | None = None) -> frozenset[str] | None:
        models = (scope or current_call().scope).models_of(digital_twin_id)
        if models is not None and not models:
            raise not_permitted(_twin(digital_twin_id))
        return models

    async def _require_model(self, digital_twin_id: str, model: object, models: frozenset[str]) -> None:
        if not (isinstance(model, str) and await self._lineage.descends(model, models)):
            raise not_permitted(_twin(digital_twin_id))


async def hidden_if_missing(reading: Awaitable[Answer], path: str) -> Answer:
    """Reads what a caller may not learn of that it does not exist.

    Raises:
        TwinfrontError: CALLER_NOT_PERMITTED if it does not, and what the reading raises else.
    """
    try:
        return await reading
    except TwinfrontError as error:
        if error.reason in _NOT_THERE:
            raise not_permitted(path) from None
        raise


def not_permitted(path: str) -> TwinfrontError:
    """Makes the PERMISSION_DENIED of what is at a path, whether or not that is anything."""
    return caller_not_permitted(f"{_caller()} may not do this with {path}, if that exists.")


def _caller() -> str:
    return current_call().principal.name


def _twin(digital_twin_id: str) -> str:
    return f"digitaltwins/{digital_twin_id}"


def _model_in(twin: dict[str, Any]) -> object:
    return metadata_of(twin).get(MODEL)


def model_of_body(document: object) -> object:
    """Gives the model that a twin's body names; None for none."""
    return _model_in(document) if isinstance(document, dict) else None


def as_understood(body: Body) -> tuple[Any, Body]:
    """Parses a body, and gives the one that says what was understood and nothing else: a name may be there twice.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for a body that is nested deeper than what can be written again.
    """
    document = loads(body.content)
    try:
        content = orjson.dumps(document)
    except orjson.JSONEncodeError:
        raise invalid_argument(body.field, "is nested too deeply") from None
    return document, dataclasses.replace(body, content=content)
