"""A proxy that the environment names gets no traffic in the clear, and none of this machine."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from twinfront.v1.digital_twin_service_pb2 import DeleteDigitalTwinResponse

from .scripted_server import ScriptedServer

PROGRAM = """
import asyncio, sys
from twinfront import AsyncTwinfrontClient, TwinfrontClient, UnavailableError

target, kind = sys.argv[1:]
if kind == "sync":
    with TwinfrontClient(target, token="secret", insecure=True) as client:
        client.delete_digital_twin("room-1", timeout=10)
else:
    async def main():
        async with AsyncTwinfrontClient(target, token="secret", insecure=True) as client:
            await client.delete_digital_twin("room-1", timeout=10)
    asyncio.run(main())
"""


class Proxy:
    """Accepts connections, counts them and hangs up."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy()
    yield proxy
    proxy.close()


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_call_to_this_machine_goes_past_the_proxy(
    scripted: ScriptedServer, proxy: Proxy, host: str, kind: str
) -> None:
    scripted.answers["DeleteDigitalTwin"] = lambda *_: DeleteDigitalTwinResponse()
    target = f"{host}:{scripted.target.rpartition(':')[2]}"
    variables = dict.fromkeys(("http_proxy", "https_proxy", "grpc_proxy", "all_proxy"), proxy.url)
    environment = {**os.environ, **variables, "no_proxy": "", "no_grpc_proxy": ""}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, target, kind], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert proxy.connections == 0
    assert scripted.metadata[0]["authorization"] == "Bearer secret"
