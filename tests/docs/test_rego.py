"""The policy in Rego that docs/security.md shows, in a server of Open Policy Agent that decides about calls."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from google.protobuf.json_format import MessageToDict
from tests.rpc.access.issuer import Issuer
from tests.rpc.permissions.policy_system import YES, Answer, PolicyServer, no
from tests.tools import GoTool

from twinfront import AsyncTwinfrontClient
from twinfront.errors import PermissionDeniedError, TwinNotFoundError
from twinfront.v1.envoy.external_auth_pb2 import AttributeContext
from twinfront_server.access.permissions import ROLES
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .blocks import CHECKOUT, blocks

POLICY = CHECKOUT / "deploy/policy/policy.rego"
OPA = GoTool("opa", "github.com/open-policy-agent/opa", "v1.22.3")


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """An agent with the policy, which is asked over HTTP: its plugin for gRPC hands it the same input."""
    [policy] = [block.text for block in blocks(CHECKOUT / "docs/security.md") if block.language == "rego"]
    assert policy == POLICY.read_text()
    socket = tmp_path / "opa.sock"
    words = [str(OPA.path()), "run", "--server", "--disable-telemetry", f"--addr=unix://{socket}", str(POLICY)]
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*words, cwd=tmp_path, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while not socket.exists():
            assert process.returncode is None, (tmp_path / "log").read_text()
            assert time.monotonic() < until
            await asyncio.sleep(0.02)
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as session:
            yield session
    finally:
        process.kill()
        await process.wait()


@pytest.mark.timeout(1800)
async def test_the_policy_in_rego_decides_by_the_principal_the_action_and_the_id(agent: aiohttp.ClientSession):
    async def decide(asked: AttributeContext) -> Answer:
        shown: dict[str, Any] = {"input": {"attributes": MessageToDict(asked)}}
        async with agent.post("http://opa/v1/data/envoy/authz/allow", json=shown) as answer:
            return YES if (await answer.json())["result"] is True else no("the policy says no")

    settings = {"listen": "127.0.0.1:0", "metrics_listen": "none", "data_dir": ":memory:", "authorize_timeout": 30.0}
    with Issuer() as issuer:
        async with (
            PolicyServer(decide) as system,
            App(Settings.of(settings | issuer.settings() | {"authorize": system.url})) as app,
        ):

            def known_as(name: str) -> AsyncTwinfrontClient:
                token = issuer.token(sub=name, roles=list(ROLES))
                return AsyncTwinfrontClient(str(app.address), insecure=True, token=token)

            async with known_as("alice") as alice, known_as("dispatcher") as dispatcher:
                for who, twin, is_permitted in (
                    (alice, "plant-7-pump", False),
                    (dispatcher, "plant-7-pump", True),
                    (dispatcher, "plant-8-pump", False),
                ):
                    with pytest.raises(TwinNotFoundError if is_permitted else PermissionDeniedError):
                        await who.delete_digital_twin(twin)
                    with pytest.raises(TwinNotFoundError):
                        await who.get_digital_twin(twin)
