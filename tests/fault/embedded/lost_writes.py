"""Every RPC that writes, each with a call that can lose an answer and says whether what it was told is true."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from twinfront import (
    AsyncTwinfrontClient,
    CreateOrReplace,
    Delete,
    DigitalTwin,
    EventRoute,
    GraphItem,
    JobStatus,
    Merge,
    NotFoundError,
    Relationship,
    patch,
)

from .test_injected_faults import DOOR, LOBBY

Client = AsyncTwinfrontClient

LIFT = {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:example:Lift;1", "@type": "Interface"}


async def etag_of(client: Client, twin: str = "lobby") -> str:
    return (await client.get_digital_twin(twin)).etag


async def door_etag(client: Client) -> str:
    return (await client.get_relationship("lobby", "door")).etag


async def is_gone(reading: Awaitable[Any]) -> bool:
    try:
        await reading
    except NotFoundError:
        return True
    return False


async def nothing(_client: Client) -> None:
    """Not every write needs a preparation."""


async def add_lift(client: Client) -> None:
    await client.create_models([LIFT])


async def add_route(client: Client) -> None:
    await client.create_or_replace_event_route("all", EventRoute("events"))


async def add_cellar(client: Client) -> None:
    await client.create_or_replace_digital_twin("cellar", LOBBY)


async def ended_job(client: Client) -> None:
    await client.create_import_job("old", "file:in.ndjson", "file:out.ndjson")
    await end_of_job(client, "old")


async def running_job(client: Client) -> None:
    await client.create_import_job("long", "file:long.ndjson", "file:out.ndjson")


async def end_of_job(client: Client, job_id: str) -> JobStatus | str:
    while not (job := await client.get_import_job(job_id)).finished:
        await asyncio.sleep(0.01)
    return job.status


async def update_if_match(client: Client) -> bool:
    etag = await client.update_digital_twin(
        "lobby", patch().replace("/temperature", 30.5), if_match=await etag_of(client)
    )
    twin = await client.get_digital_twin("lobby")
    return (twin.etag, twin["temperature"]) == (etag, 30.5)


async def update(client: Client) -> bool:
    etag = await client.update_digital_twin("lobby", patch().remove("/temperature"))
    twin = await client.get_digital_twin("lobby")
    return twin.etag == etag and "temperature" not in twin


async def update_to_the_same_if_match(client: Client) -> bool:
    etag = await client.update_digital_twin(
        "lobby", patch().replace("/temperature", 20.5), if_match=await etag_of(client)
    )
    return etag == await etag_of(client)


async def update_nothing_if_match(client: Client) -> bool:
    before = await etag_of(client)
    etag = await client.update_digital_twin("lobby", [], if_match=before)
    return before != etag == await etag_of(client)


async def merge(client: Client) -> bool:
    merged = await client.merge_digital_twin("lobby", {"temperature": 1.5})
    twin = await client.get_digital_twin("lobby")
    return (twin.etag, twin["temperature"]) == (merged.etag, 1.5)


async def merge_if_match(client: Client) -> bool:
    merged = await client.merge_digital_twin("lobby", {"temperature": 1.5}, if_match=await etag_of(client))
    twin = await client.get_digital_twin("lobby")
    return (twin.etag, twin["temperature"]) == (merged.etag, 1.5)


async def replace(client: Client) -> bool:
    twin = await client.create_or_replace_digital_twin("lobby", {**LOBBY, "temperature": 5})
    return twin["temperature"] == 5 and twin == await client.get_digital_twin("lobby")


async def replace_if_match(client: Client) -> bool:
    wanted = {**LOBBY, "temperature": 5}
    twin = await client.create_or_replace_digital_twin("lobby", wanted, if_match=await etag_of(client))
    return twin["temperature"] == 5 and twin == await client.get_digital_twin("lobby")


async def replace_by_the_same_if_match(client: Client) -> bool:
    before = await etag_of(client)
    twin = await client.create_or_replace_digital_twin("lobby", LOBBY, if_match=before)
    return before != twin.etag == await etag_of(client)


async def create(client: Client) -> bool:
    twin = await client.create_or_replace_digital_twin("attic", LOBBY, if_none_match=True)
    return twin == await client.get_digital_twin("attic")


async def delete(client: Client) -> bool:
    await client.delete_digital_twin("cellar")
    return await is_gone(client.get_digital_twin("cellar"))


async def delete_if_match(client: Client) -> bool:
    await client.delete_digital_twin("cellar", if_match=await etag_of(client, "cellar"))
    return await is_gone(client.get_digital_twin("cellar"))


async def detach(client: Client) -> bool:
    gone = await client.delete_digital_twin("lobby", relationships="detach", if_match=await etag_of(client))
    return gone.outgoing_relationships == 1 and await is_gone(client.get_digital_twin("lobby"))


async def batch(client: Client) -> bool:
    results = await client.batch_write_digital_twins(
        [
            CreateOrReplace("attic", LOBBY, if_none_match=True),
            Merge("lobby", {"temperature": 1.5}, if_match=await etag_of(client)),
            Delete("cellar", if_match=await etag_of(client, "cellar")),
        ]
    )
    etags = [await etag_of(client, "attic"), await etag_of(client), ""]
    return [(result.error, result.etag) for result in results] == [(None, etag) for etag in etags]


async def update_component(client: Client) -> bool:
    etag = await client.update_component(
        "lobby", "thermostat", patch().add("/setpoint", 30.5), if_match=await etag_of(client)
    )
    component = await client.get_component("lobby", "thermostat")
    return (component.etag, component["setpoint"]) == (etag, 30.5)


async def connect(client: Client) -> bool:
    made = await client.create_or_replace_relationship("lobby", "gate", DOOR, if_none_match=True)
    return made == await client.get_relationship("lobby", "gate")


async def reconnect(client: Client) -> bool:
    wider = Relationship(name="leadsTo", target_id="library", properties={"width": 2.5})
    made = await client.create_or_replace_relationship("lobby", "door", wider)
    return made == await client.get_relationship("lobby", "door")


async def update_relationship(client: Client) -> bool:
    etag = await client.update_relationship(
        "lobby", "door", patch().replace("/width", 1.5), if_match=await door_etag(client)
    )
    door = await client.get_relationship("lobby", "door")
    return (door.etag, door["width"]) == (etag, 1.5)


async def disconnect(client: Client) -> bool:
    await client.delete_relationship("lobby", "door", if_match=await door_etag(client))
    return await is_gone(client.get_relationship("lobby", "door"))


async def create_models(client: Client) -> bool:
    [model] = await client.create_models([LIFT])
    return model == await client.get_model("dtmi:example:Lift;1")


async def decommission(client: Client) -> bool:
    await client.decommission_model("dtmi:example:Lift;1")
    return (await client.get_model("dtmi:example:Lift;1")).decommissioned


async def delete_model(client: Client) -> bool:
    await client.delete_model("dtmi:example:Lift;1")
    return await is_gone(client.get_model("dtmi:example:Lift;1"))


async def import_graph(client: Client) -> bool:
    items: list[GraphItem] = [
        LIFT,
        DigitalTwin(id="lift", model_id="dtmi:example:Lift;1"),
        Relationship(source_id="lobby", id="gate", name="leadsTo", target_id="library"),
    ]
    reports = [report async for report in client.import_graph(items)]
    results = {result.index: result for report in reports for result in report.results}
    etags = ["", await etag_of(client, "lift"), (await client.get_relationship("lobby", "gate")).etag]
    return [(results[index].error, results[index].etag) for index in range(3)] == [(None, etag) for etag in etags]


async def put_route(client: Client) -> bool:
    await client.create_or_replace_event_route("some", EventRoute("events", "false"))
    return (await client.get_event_route("some")).filter == "false"


async def delete_route(client: Client) -> bool:
    await client.delete_event_route("all")
    return await is_gone(client.get_event_route("all"))


async def create_job(client: Client) -> bool:
    job = await client.create_import_job("job", "file:in.ndjson", "file:out.ndjson")
    return job.input_blob_uri == "file:in.ndjson"


async def cancel_job(client: Client) -> bool:
    await client.cancel_import_job("long")
    return await end_of_job(client, "long") == JobStatus.CANCELLED


async def delete_job(client: Client) -> bool:
    await client.delete_import_job("old")
    return await is_gone(client.get_import_job("old"))


async def create_delete_job(client: Client) -> bool:
    return (await client.create_delete_job("all")).id == "all"


async def create_delete_job_without_id(client: Client) -> bool:
    job = await client.create_delete_job()
    return [each.id async for each in client.list_delete_jobs()] == [job.id]


async def publish(client: Client) -> None:
    await client.publish_telemetry("lobby", {})


async def publish_of_component(client: Client) -> None:
    await client.publish_component_telemetry("lobby", "thermostat", {})


@dataclass(frozen=True)
class Write:
    """A call.

    Attributes:
        rpc: the RPC that it calls.
        operations: the operations of the upstream that lose an answer each.
        call: calls it, and says whether what it was told is what is there.
        prepare: what has to be there before.
    """

    rpc: str
    operations: str
    call: Callable[[Client], Awaitable[Any]]
    prepare: Callable[[Client], Awaitable[None]] = nothing

    def __str__(self) -> str:
        return f"{self.call.__name__}-{self.operations.replace(' ', '-')}"

    def faults(self, fault: str) -> str:
        """The fault, once for each operation."""
        return ",".join(f"{fault}:on={operation}:count=1" for operation in self.operations.split())


WRITES = [
    Write("UpdateDigitalTwin", "patch_digital_twin", update_if_match),
    Write("UpdateDigitalTwin", "patch_digital_twin", update),
    Write("UpdateDigitalTwin", "patch_digital_twin", update_to_the_same_if_match),
    Write("UpdateDigitalTwin", "patch_digital_twin", update_nothing_if_match),
    Write("MergeDigitalTwin", "patch_digital_twin", merge),
    Write("MergeDigitalTwin", "patch_digital_twin", merge_if_match),
    Write("CreateOrReplaceDigitalTwin", "put_digital_twin", replace),
    Write("CreateOrReplaceDigitalTwin", "put_digital_twin", create),
    Write("CreateOrReplaceDigitalTwin", "patch_digital_twin", replace_if_match),
    Write("CreateOrReplaceDigitalTwin", "patch_digital_twin", replace_by_the_same_if_match),
    Write("DeleteDigitalTwin", "delete_digital_twin", delete, add_cellar),
    Write("DeleteDigitalTwin", "delete_digital_twin", delete_if_match, add_cellar),
    Write("DeleteDigitalTwin", "delete_relationship", detach),
    Write("DeleteDigitalTwin", "delete_digital_twin", detach),
    Write("BatchWriteDigitalTwins", "put_digital_twin patch_digital_twin delete_digital_twin", batch, add_cellar),
    Write("UpdateComponent", "patch_component", update_component),
    Write("CreateOrReplaceRelationship", "put_relationship", connect),
    Write("CreateOrReplaceRelationship", "put_relationship", reconnect),
    Write("UpdateRelationship", "patch_relationship", update_relationship),
    Write("DeleteRelationship", "delete_relationship", disconnect),
    Write("CreateModels", "post_models", create_models),
    Write("DecommissionModel", "decommission_model", decommission, add_lift),
    Write("DeleteModel", "delete_model", delete_model, add_lift),
    Write("ImportGraph", "post_models put_digital_twin put_relationship", import_graph),
    Write("CreateOrReplaceEventRoute", "put_event_route", put_route),
    Write("DeleteEventRoute", "delete_event_route", delete_route, add_route),
    Write("CreateImportJob", "put_import_job", create_job),
    Write("CancelImportJob", "cancel_import_job", cancel_job, running_job),
    Write("DeleteImportJob", "delete_import_job", delete_job, ended_job),
    Write("CreateDeleteJob", "post_delete_job", create_delete_job),
    Write("CreateDeleteJob", "post_delete_job", create_delete_job_without_id),
]

TELEMETRY = [
    Write("PublishTelemetry", "publish_telemetry", publish),
    Write("PublishComponentTelemetry", "publish_component_telemetry", publish_of_component),
]
