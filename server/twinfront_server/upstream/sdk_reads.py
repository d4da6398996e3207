"""The reads of resources, over the SDK."""

from collections.abc import Sequence
from typing import Final

from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked, Origin, Resource
from twinfront_server.upstream.sdk.prepared_requests import PreparedRequests
from twinfront_server.upstream.sending import send, send_for_page

_PROBED_MODEL: Final = "dtmi:twinfront:probe;1"


class SdkReads:
    """Reads resources, one by one or a page of a list.

    Args:
        sdk: the SDK's client, with the pipeline of `sdk/pipeline.py`.
    """

    def __init__(self, sdk: DigitalTwinsClient) -> None:
        self._sdk = sdk
        requests = PreparedRequests(sdk)
        self._get_digital_twin = requests.method("get_digital_twin")
        self._get_component = requests.method("get_component")
        self._get_relationship = requests.method("get_relationship")
        self._import_jobs = sdk._client.import_jobs  # noqa: SLF001  (the SDK has no public methods for jobs)
        self._delete_jobs = sdk._client.delete_jobs  # noqa: SLF001  (the same)

    async def digital_twin(self, digital_twin_id: str) -> Answer:
        """Reads a digital twin."""
        asked = Asked(operations.GET_DIGITAL_TWIN, {"digital_twin_id": digital_twin_id})
        return await send(asked, self._get_digital_twin, digital_twin_id)

    async def component(self, digital_twin_id: str, component_name: str) -> Answer:
        """Reads a component; the etag is its twin's."""
        ids = {"digital_twin_id": digital_twin_id, "component_name": component_name}
        return await send(Asked(operations.GET_COMPONENT, ids), self._get_component, *ids.values())

    async def relationship(self, digital_twin_id: str, relationship_id: str) -> Answer:
        """Reads a relationship."""
        ids = {"digital_twin_id": digital_twin_id, "relationship_id": relationship_id}
        return await send(Asked(operations.GET_RELATIONSHIP, ids), self._get_relationship, *ids.values())

    async def relationships(self, digital_twin_id: str, relationship_name: str, link: str) -> Page:
        """Reads one page of the relationships that start from a twin, of one name if it is given."""
        asked = Asked(operations.LIST_RELATIONSHIPS, {"digital_twin_id": digital_twin_id})
        # The SDK's parameter is called relationship_id and is sent as the name.
        name = relationship_name or None
        return await send_for_page(asked, link, self._sdk.list_relationships, digital_twin_id, name)

    async def incoming_relationships(self, digital_twin_id: str, link: str) -> Page:
        """Reads one page of the relationships that point to a twin."""
        asked = Asked(operations.LIST_INCOMING_RELATIONSHIPS, {"digital_twin_id": digital_twin_id})
        return await send_for_page(asked, link, self._sdk.list_incoming_relationships, digital_twin_id)

    async def model(self, model_id: str, *, include_model_definition: bool) -> Answer:
        """Reads a model."""
        asked = Asked(operations.GET_MODEL, {"model_id": model_id})
        return await send(asked, self._sdk.get_model, model_id, include_model_definition=include_model_definition)

    async def models(self, dependencies_for: Sequence[str], link: str, *, include_model_definition: bool) -> Page:
        """Reads a page of models: of those ids and what they depend on if any are given."""
        listed = {f"dependencies_for[{index}]": model_id for index, model_id in enumerate(dependencies_for)}
        return await send_for_page(
            Asked(operations.LIST_MODELS, origin=Origin(listed)),
            link,
            self._sdk.list_models,
            list(dependencies_for) or None,
            include_model_definition=include_model_definition,
        )

    async def probe(self) -> None:
        """Reads a model that nobody has.

        Raises:
            TwinfrontError: MODEL_NOT_FOUND, or what keeps the upstream from saying so.
        """
        await send(Asked(operations.PROBE, {"model_id": _PROBED_MODEL}), self._sdk.get_model, _PROBED_MODEL)

    async def event_route(self, event_route_id: str) -> Answer:
        """Reads an event route."""
        asked = Asked(operations.GET_EVENT_ROUTE, {"event_route_id": event_route_id})
        return await send(asked, self._sdk.get_event_route, event_route_id)

    async def event_routes(self, link: str) -> Page:
        """Reads a page of event routes."""
        return await send_for_page(Asked(operations.LIST_EVENT_ROUTES), link, self._sdk.list_event_routes)

    async def import_job(self, job_id: str) -> Answer:
        """Reads an import job."""
        asked = Asked(operations.GET_IMPORT_JOB, {"job_id": job_id})
        return await send(asked, self._import_jobs.get_by_id, job_id)

    async def import_jobs(self, link: str) -> Page:
        """Reads a page of import jobs."""
        return await send_for_page(Asked(operations.LIST_IMPORT_JOBS), link, self._import_jobs.list)

    async def delete_job(self, job_id: str) -> Answer:
        """Reads a delete job."""
        asked = Asked(operations.GET_DELETE_JOB, {"job_id": job_id})
        return await send(asked, self._delete_jobs.get_by_id, job_id)

    async def delete_jobs(self, link: str) -> Page:
        """Reads a page of delete jobs."""
        return await send_for_page(Asked(operations.LIST_DELETE_JOBS), link, self._delete_jobs.list)

    async def resource(self, asked: Asked) -> Answer:
        """Reads the resource that a call was about: of a component its twin, of a model all but its definition."""
        ids = asked.ids
        match asked.operation.resource:
            case Resource.RELATIONSHIP:
                return await self.relationship(ids["digital_twin_id"], ids["relationship_id"])
            case Resource.MODEL:
                return await self.model(ids["model_id"], include_model_definition=False)
            case Resource.EVENT_ROUTE:
                return await self.event_route(ids["event_route_id"])
            case Resource.IMPORT_JOB:
                return await self.import_job(ids["job_id"])
            case Resource.DELETE_JOB:
                return await self.delete_job(ids["job_id"])
            case _:
                return await self.digital_twin(ids["digital_twin_id"])
