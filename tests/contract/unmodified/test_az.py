"""The Azure CLI: its calls one by one as it was seen to make them, and the command itself where it is installed.

The command is no requirement of the tests, as its installation takes minutes. Its extension azure-iot, with `az dt`,
is looked for where the user has it.
"""

import asyncio
import json
import os
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from .local import Ended, Local

MANAGEMENT, TWINS = "https://management.core.windows.net/", "https://digitaltwins.azure.net"
MODEL = {"@id": "dtmi:example:az:Lamp;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}


@pytest.fixture
async def http(local: Local) -> AsyncIterator[aiohttp.ClientSession]:
    tls = ssl.create_default_context(cafile=local.variables["REQUESTS_CA_BUNDLE"])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls), raise_for_status=True) as session:
        yield session


async def token_of_today(http: aiohttp.ClientSession, local: Local, resource: str) -> str:
    """As az of 2026 asks: with MSAL, and IDENTITY_ENDPOINT."""
    headers = {"X-IDENTITY-HEADER": local.variables["IDENTITY_HEADER"], "Metadata": "true"}
    query = {"api-version": "2019-08-01", "resource": resource}
    async with http.get(local.variables["IDENTITY_ENDPOINT"], params=query, headers=headers) as answer:
        return str((await answer.json())["access_token"])


async def token_of_2024(http: aiohttp.ClientSession, local: Local, resource: str) -> str:
    """As az of 2024 asks: with msrestazure, which takes MSI_ENDPOINT for Cloud Shell's."""
    form = {"resource": resource}
    async with http.post(local.variables["MSI_ENDPOINT"], data=form, headers={"Metadata": "true"}) as answer:
        return str((await answer.json())["access_token"])


@pytest.mark.parametrize("token", [token_of_today, token_of_2024])
@pytest.mark.parametrize("metadata", ["2022-09-01", "2015-01-01"])
async def test_the_calls_that_it_makes(local: Local, http: aiohttp.ClientSession, token: Any, metadata: str):
    async def get(url: str, resource: str | None, **query: str) -> Any:
        headers = {"Authorization": f"Bearer {await token(http, local, resource)}"} if resource else {}
        async with http.get(url, params=query, headers=headers) as answer:
            return await answer.json()

    # az cloud register --endpoint-resource-manager
    cloud = await get(f"{local.url}/metadata/endpoints", None, **{"api-version": metadata})
    graph = "graphAudience" if metadata == "2022-09-01" else "graphEndpoint"
    assert all((cloud["authentication"]["loginEndpoint"], cloud["authentication"]["audiences"][0], cloud[graph]))
    # az login --identity
    found = await get(f"{local.url}/subscriptions", MANAGEMENT, **{"api-version": "2022-12-01"})
    [subscription] = found["value"]
    assert (subscription["state"], subscription["displayName"]) == ("Enabled", "localtwins")
    # az dt twin show --dt-name localtwins
    path = f"{subscription['id']}/providers/Microsoft.DigitalTwins/digitalTwinsInstances"
    found = await get(f"{local.url}{path}", MANAGEMENT, **{"api-version": "2023-01-31"})
    [host] = [each["properties"]["hostName"] for each in found["value"] if each["name"].lower() == "localtwins"]
    models = await get(f"https://{host}/models", TWINS, **{"api-version": "2023-10-31"})
    assert models["value"] == []


@pytest.fixture
async def az(local: Local) -> Any:
    """Runs a command, with a configuration of its own and the extensions that the user has."""
    if shutil.which("az") is None:
        pytest.skip("az is not installed")

    extensions = os.environ.get("AZURE_EXTENSION_DIR") or str(Path.home() / ".azure" / "cliextensions")
    variables = {
        "AZURE_CONFIG_DIR": str(local.folder / "az"),
        "AZURE_EXTENSION_DIR": extensions,
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
    }

    async def run(*words: str) -> Ended:
        ended = await local.run("az", *words, "--only-show-errors", folder=local.folder, **variables)
        assert ended.status == 0, ended.errors
        return ended

    await run("cloud", "register", "--name", "localtwins", "--endpoint-resource-manager", local.url)
    await run("cloud", "set", "--name", "localtwins")
    await run("login", "--identity")
    return run


async def test_the_command_logs_in_and_reads_twins(local: Local, az: Any):
    account = json.loads((await az("account", "show")).output)
    assert (account["name"], account["state"]) == ("localtwins", "Enabled")
    models = await az("rest", "--resource", TWINS, "--url", f"{local.url}/models?api-version=2023-10-31")
    assert json.loads(models.output)["value"] == []


async def test_the_extension_finds_the_instance_by_name(az: Any):
    installed = json.loads((await az("extension", "list")).output)
    if "azure-iot" not in {extension["name"] for extension in installed}:
        pytest.skip("the extension azure-iot of az is not installed")
    [instance] = json.loads((await az("dt", "list")).output)
    assert instance["name"] == "localtwins"
    name = ["--dt-name", "localtwins"]
    await az("dt", "model", "create", *name, "--models", json.dumps(MODEL))
    await az("dt", "twin", "create", *name, "--dtmi", MODEL["@id"], "--twin-id", "lamp")
    shown, queried = await asyncio.gather(
        az("dt", "twin", "show", *name, "--twin-id", "lamp"),
        az("dt", "twin", "query", *name, "--query-command", "SELECT * FROM digitaltwins"),
    )
    assert json.loads(shown.output)["$dtId"] == "lamp"
    assert [twin["$dtId"] for twin in json.loads(queried.output)["result"]] == ["lamp"]
