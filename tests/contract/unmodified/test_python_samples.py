"""The samples that come with the source of the official Python SDK, run as they are."""

import asyncio
import json
import sys
from importlib import metadata
from pathlib import Path

from tests.caches import source_distribution

from .local import Ended, serving_locally

PACKAGE = "azure-digitaltwins-core"
# They ask for things by placeholders such as <MODEL_ID>, and print that these are not there.
REFUSALS = {
    "dt_digitaltwins_get.py": "DigitalTwinNotFound",
    "dt_event_routes_get.py": "EventRouteNotFound",
    "dt_incoming_relationships_list.py": "DigitalTwinNotFound",
    "dt_models_get.py": "InvalidArgument",
    "dt_publish_component_telemetry.py": "DigitalTwinNotFound",
    "dt_publish_telemetry.py": "DigitalTwinNotFound",
    "dt_relationships_get.py": "DigitalTwinNotFound",
    "dt_relationships_list.py": "DigitalTwinNotFound",
}
WHAT_ONE_EXPECTS_TO_BE_THERE = """
from azure.digitaltwins.core import DigitalTwinsClient
from azure.identity import DefaultAzureCredential
import os

client = DigitalTwinsClient(os.environ["AZURE_URL"], DefaultAzureCredential())
client.create_models([{"@context": "dtmi:dtdl:context;2", "@id": "dtmi:tests:Building;1", "@type": "Interface"}])
client.upsert_digital_twin("BuildingTwin", {"$metadata": {"$model": "dtmi:tests:Building;1"}})
"""


async def test_all_samples_of_the_sdk_run(tmp_path: Path):
    folder = await asyncio.to_thread(source_distribution, PACKAGE, metadata.version(PACKAGE))
    samples = sorted((folder / "samples").rglob("dt_*.py"))
    assert len(samples) == 18
    async with serving_locally(tmp_path, "--endpoint", f"hub=file:{tmp_path / 'events'}") as local:
        ended = await local.run(sys.executable, "-c", WHAT_ONE_EXPECTS_TO_BE_THERE)
        assert ended.status == 0, ended.errors
        two_at_a_time = asyncio.Semaphore(2)

        async def run(sample: Path) -> Ended:
            async with two_at_a_time:
                return await local.run(sys.executable, sample, AZURE_EVENT_HUB_ENDPOINT_NAME="hub")

        every = await asyncio.gather(*map(run, samples))
        refused = sorted(code for _, _, status, code in local.requests() if status >= 400)
    failed = {sample.name: ended for sample, ended in zip(samples, every, strict=True) if ended.status}
    assert not failed, json.dumps({name: ended.errors[-2000:] for name, ended in failed.items()}, indent=1)
    assert refused == sorted(REFUSALS.values())
