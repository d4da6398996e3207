"""`Upstream`: each operation of Azure Digital Twins as one method, over the official SDK."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from azure.core import MatchConditions
from azure.core.async_paging import AsyncItemPaged
from azure.core.exceptions import AzureError
from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.errors import TwinfrontError
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.answer import Answer, Page
from twinfront_server.upstream.diagnosis import diagnose
from twinfront_server.upstream.errors import error_of
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.pipeline import ListedItems
from twinfront_server.wire.body import Body

_PROBED_MODEL = "dtmi:twinfront:probe;1"


class Upstream:
    """Azure Digital Twins, or what stands in for it.

    Every method raises `TwinfrontError` and no other exception, cancellation aside.

    Args:
        sdk: the SDK's client, with the pipeline of `pipeline.py`.
        on_close: what else to close when the upstream is closed.
    """

    def __init__(self, sdk: DigitalTwinsClient, on_close: Callable[[], Awaitable[None]] | None = None) -> None:
        self._sdk = sdk
        self._on_close = on_close

    async def close(self) -> None:
        """Closes the connections, and the embedded service if there is one."""
        await self._sdk.close()
        if self._on_close is not None:
            await self._on_close()

    async def probe(self) -> bool:
        """Whether the upstream answers calls: it asks for a model that nobody has, which costs next to nothing."""
        try:
            await self._call(Asked(operations.PROBE, {"model_id": _PROBED_MODEL}), self._sdk.get_model, _PROBED_MODEL)
        except TwinfrontError as error:
            return error.reason in {"MODEL_NOT_FOUND", "UPSTREAM_THROTTLED"}
        return True

    async def get_digital_twin(self, digital_twin_id: str) -> Answer:
        """Reads a digital twin."""
        asked = Asked(operations.GET_DIGITAL_TWIN, {"digital_twin_id": digital_twin_id})
        return await self._call(asked, self._sdk.get_digital_twin, digital_twin_id)

    async def put_digital_twin(self, digital_twin_id: str, body: Body, *, if_none_match: bool) -> Answer:
        """Creates or replaces a digital twin; only creates it if `if_none_match`."""
        asked = Asked(operations.PUT_DIGITAL_TWIN, {"digital_twin_id": digital_twin_id}, body)
        return await self._call(
            asked, self._sdk.upsert_digital_twin, digital_twin_id, {}, **_if_none_match(if_none_match)
        )

    async def patch_digital_twin(self, digital_twin_id: str, body: Body, *, if_match: str) -> Answer:
        """Applies a JSON Patch to a digital twin."""
        asked = Asked(operations.PATCH_DIGITAL_TWIN, {"digital_twin_id": digital_twin_id}, body, if_match)
        return await self._call(asked, self._sdk.update_digital_twin, digital_twin_id, [], **_if_match(if_match))

    async def delete_digital_twin(self, digital_twin_id: str, *, if_match: str) -> None:
        """Deletes a digital twin."""
        asked = Asked(operations.DELETE_DIGITAL_TWIN, {"digital_twin_id": digital_twin_id}, if_match=if_match)
        await self._call(asked, self._sdk.delete_digital_twin, digital_twin_id, **_if_match(if_match))

    async def get_component(self, digital_twin_id: str, component_name: str) -> Answer:
        """Reads a component; the etag is its twin's."""
        ids = {"digital_twin_id": digital_twin_id, "component_name": component_name}
        return await self._call(
            Asked(operations.GET_COMPONENT, ids), self._sdk.get_component, digital_twin_id, component_name
        )

    async def patch_component(self, digital_twin_id: str, component_name: str, body: Body, *, if_match: str) -> Answer:
        """Applies a JSON Patch to a component; the etags are its twin's."""
        ids = {"digital_twin_id": digital_twin_id, "component_name": component_name}
        asked = Asked(operations.PATCH_COMPONENT, ids, body, if_match)
        return await self._call(
            asked, self._sdk.update_component, digital_twin_id, component_name, [], **_if_match(if_match)
        )

    async def get_relationship(self, digital_twin_id: str, relationship_id: str) -> Answer:
        """Reads a relationship."""
        ids = {"digital_twin_id": digital_twin_id, "relationship_id": relationship_id}
        return await self._call(
            Asked(operations.GET_RELATIONSHIP, ids), self._sdk.get_relationship, digital_twin_id, relationship_id
        )

    async def put_relationship(
        self, digital_twin_id: str, relationship_id: str, body: Body, *, if_none_match: bool
    ) -> Answer:
        """Creates or replaces a relationship; only creates it if `if_none_match`."""
        ids = {"digital_twin_id": digital_twin_id, "relationship_id": relationship_id, **body.ids}
        return await self._call(
            Asked(operations.PUT_RELATIONSHIP, ids, body),
            self._sdk.upsert_relationship,
            digital_twin_id,
            relationship_id,
            {},
            **_if_none_match(if_none_match),
        )

    async def patch_relationship(
        self, digital_twin_id: str, relationship_id: str, body: Body, *, if_match: str
    ) -> Answer:
        """Applies a JSON Patch to a relationship."""
        ids = {"digital_twin_id": digital_twin_id, "relationship_id": relationship_id}
        asked = Asked(operations.PATCH_RELATIONSHIP, ids, body, if_match)
        return await self._call(
            asked, self._sdk.update_relationship, digital_twin_id, relationship_id, [], **_if_match(if_match)
        )

    async def delete_relationship(self, digital_twin_id: str, relationship_id: str, *, if_match: str) -> None:
        """Deletes a relationship."""
        ids = {"digital_twin_id": digital_twin_id, "relationship_id": relationship_id}
        asked = Asked(operations.DELETE_RELATIONSHIP, ids, if_match=if_match)
        await self._call(asked, self._sdk.delete_relationship, digital_twin_id, relationship_id, **_if_match(if_match))

    async def list_relationships(self, digital_twin_id: str, relationship_name: str, link: str) -> Page:
        """One page of the relationships that start from a twin, of one name if it is given."""
        asked = Asked(operations.LIST_RELATIONSHIPS, {"digital_twin_id": digital_twin_id})
        # The SDK's parameter is called relationship_id and is sent as the name.
        return await self._list(asked, link, self._sdk.list_relationships, digital_twin_id, relationship_name or None)

    async def list_incoming_relationships(self, digital_twin_id: str, link: str) -> Page:
        """One page of the relationships that point to a twin."""
        asked = Asked(operations.LIST_INCOMING_RELATIONSHIPS, {"digital_twin_id": digital_twin_id})
        return await self._list(asked, link, self._sdk.list_incoming_relationships, digital_twin_id)

    async def post_models(self, body: Body) -> Answer:
        """Creates models, all or none."""
        return await self._call(Asked(operations.POST_MODELS, body=body), self._sdk.create_models, [])

    async def get_model(self, model_id: str, *, include_model_definition: bool) -> Answer:
        """Reads a model."""
        return await self._call(
            Asked(operations.GET_MODEL, {"model_id": model_id}),
            self._sdk.get_model,
            model_id,
            include_model_definition=include_model_definition,
        )

    async def list_models(self, dependencies_for: Sequence[str], link: str, *, include_model_definition: bool) -> Page:
        """One page of models: of those ids and what they depend on if any are given, at a link or from the start."""
        listed = {f"dependencies_for[{index}]": model_id for index, model_id in enumerate(dependencies_for)}
        return await self._list(
            Asked(operations.LIST_MODELS, listed=listed),
            link,
            self._sdk.list_models,
            list(dependencies_for) or None,
            include_model_definition=include_model_definition,
        )

    async def decommission_model(self, model_id: str) -> None:
        """Decommissions a model."""
        await self._call(
            Asked(operations.DECOMMISSION_MODEL, {"model_id": model_id}), self._sdk.decommission_model, model_id
        )

    async def delete_model(self, model_id: str) -> None:
        """Deletes a model."""
        await self._call(Asked(operations.DELETE_MODEL, {"model_id": model_id}), self._sdk.delete_model, model_id)

    async def _call(self, asked: Asked, method: Callable[..., Any], *args: Any, **options: Any) -> Answer:
        if asked.body is not None:
            options["body"] = asked.body.content
        try:
            answer: Answer = await method(*args, cls=_answer, operation=asked.operation, **options)
        except AzureError as error:
            raise await diagnose(self, error_of(error, asked), asked) from error
        return answer

    async def _list(
        self, asked: Asked, link: str, method: Callable[..., AsyncItemPaged[Any]], *args: Any, **options: Any
    ) -> Page:
        listed = ListedItems()
        pages = method(*args, operation=asked.operation, listed=listed, **options).by_page(link or None)
        try:
            await anext(pages)
        except AzureError as error:
            raise error_of(error, asked) from error
        return Page(listed.items, listed.next_link or "")


def _answer(pipeline_response: Any, _deserialized: object, headers: dict[str, str]) -> Answer:
    """The SDK's hook for raw answers (its keyword `cls`)."""
    return Answer(pipeline_response.http_response.content, headers.get("ETag") or "")


def _if_match(etag: str) -> dict[str, Any]:
    if not etag:
        return {}
    if etag == "*":
        return {"match_condition": MatchConditions.IfPresent}
    return {"match_condition": MatchConditions.IfNotModified, "etag": etag}


def _if_none_match(create_only: bool) -> dict[str, Any]:  # noqa: FBT001  (the condition has two states)
    return {"match_condition": MatchConditions.IfMissing} if create_only else {}
