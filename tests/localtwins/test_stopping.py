"""Connections that are open when the service stops."""

import asyncio
import gc
import socket
import ssl
import warnings
from pathlib import Path

import pytest
from tests.rpc.services.over_tls import serving_over_tls

from localtwins.certificate import DevelopmentCertificate, development_certificate

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def silent_at_the_end(certificate: DevelopmentCertificate, request: bytes) -> ssl.SSLSocket:
    """Makes a connection that does not answer when the service says goodbye."""
    tls = ssl.create_default_context(cafile=str(certificate.authority))

    def connect(port: int) -> ssl.SSLSocket:
        connection = tls.wrap_socket(socket.create_connection(("localhost", port)), server_hostname="localhost")
        connection.sendall(request)
        if request:
            connection.recv(1)
        return connection

    async with serving_over_tls(certificate) as (_, url):
        connection = await asyncio.to_thread(connect, int(url.rpartition(":")[2]))
        await asyncio.sleep(0)
    return connection


@pytest.mark.parametrize("request_", [b"", REQUEST])
def test_a_connection_over_tls_whose_peer_is_silent_is_closed_when_the_service_has_stopped(
    tmp_path: Path, request_: bytes
):
    certificate = development_certificate(tmp_path)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with asyncio.Runner() as runner:
            connection = runner.run(silent_at_the_end(certificate, request_))
        gc.collect()
        connection.close()
    assert [str(each.message) for each in warned if "unclosed" in str(each.message)] == []
