"""A program for Azure Digital Twins as its documentation has them: nothing in it knows of localtwins."""

import asyncio
import os

import azure.digitaltwins.core.aio
import azure.identity.aio
from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError
from azure.digitaltwins.core import DigitalTwinsClient
from azure.identity import DefaultAzureCredential

LAMP = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:example:py:Lamp;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": "brightness", "schema": "integer"}],
}
DIM = [{"op": "replace", "path": "/brightness", "value": 30}]

url = os.environ["AZURE_DIGITALTWINS_URL"]
client = DigitalTwinsClient(url, DefaultAzureCredential())
client.create_models([LAMP])
etag = client.upsert_digital_twin("py", {"$metadata": {"$model": LAMP["@id"]}, "brightness": 70})["$etag"]
client.update_digital_twin("py", DIM, etag=etag, match_condition=MatchConditions.IfNotModified)
try:
    client.update_digital_twin("py", DIM, etag=etag, match_condition=MatchConditions.IfNotModified)
except ResourceModifiedError as error:
    print(error.status_code)


async def main():
    async with (
        azure.identity.aio.DefaultAzureCredential() as credential,
        azure.digitaltwins.core.aio.DigitalTwinsClient(url, credential) as client,
    ):
        async for row in client.query_twins("SELECT T.brightness FROM digitaltwins T WHERE T.$dtId = 'py'"):
            print(row["brightness"])


asyncio.run(main())
