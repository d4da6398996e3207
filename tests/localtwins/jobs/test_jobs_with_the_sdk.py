"""The official SDK's job operations, which its generated layer has."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.digitaltwins.core._generated.models import ImportJob
from azure.digitaltwins.core.aio import DigitalTwinsClient

from localtwins.transport import LocalTransport

from ..test_sdk import AsyncCredential
from .importing import Gate, Jobs, lines, machine


async def test_the_life_of_an_import_job(jobs: Jobs, gate: Gate):
    (jobs.folder / "in").write_bytes(b"\n".join(lines(twins=[machine("m")])))
    body = ImportJob(input_blob_uri="file:in", output_blob_uri="file:out")
    client = DigitalTwinsClient("https://adt.example", AsyncCredential(), transport=LocalTransport(jobs.adt.service))
    async with client:
        imports = client._client.import_jobs
        created = await imports.add("one", body)
        assert (created.id, created.status) == ("one", "notstarted")
        with pytest.raises(HttpResponseError) as raised:
            await imports.add("two", body, retry_total=0)
        assert raised.value.status_code == 429
        assert (await imports.cancel("one")).status in {"notstarted", "running"}
        gate.opened.set()
        await jobs.finished("one")
        assert [job.status async for job in imports.list()] == ["cancelled"]
        with pytest.raises(ResourceExistsError):
            await imports.add("one", body)
        await imports.delete("one")
        with pytest.raises(ResourceNotFoundError):
            await imports.get_by_id("one")


async def test_the_life_of_a_delete_job(jobs: Jobs):
    await jobs.run("one", lines(twins=[machine("m")]))
    client = DigitalTwinsClient("https://adt.example", AsyncCredential(), transport=LocalTransport(jobs.adt.service))
    async with client:
        poller = await client._client.delete_jobs.begin_add(polling_interval=0, timeout_in_minutes=30)
        job = await poller.result()
        assert job.status == "succeeded"
        assert [job.id async for job in client._client.delete_jobs.list()] == [job.id]
        assert (await client._client.delete_jobs.get_by_id(job.id or "")).status == "succeeded"
    assert (await jobs.adt.get("/digitaltwins/m")).status == 404
