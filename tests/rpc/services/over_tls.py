"""localtwins over HTTPS in the process of the test, in the place of Azure Digital Twins."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from localtwins.certificate import DevelopmentCertificate
from localtwins.http_server import HttpServer
from localtwins.service import LocalTwins
from localtwins.settings import Settings as LocalSettings


@asynccontextmanager
async def serving_over_tls(
    certificate: DevelopmentCertificate,
    kind: type[LocalTwins] = LocalTwins,
    data_dir: str = ":memory:",
    **settings: Any,
) -> AsyncIterator[tuple[Any, str]]:
    """Serves one on a free port for the time of a block, and gives it and its URL."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.chain, certificate.key)
    local = LocalSettings(listen="127.0.0.1:0", shutdown_seconds=0, **settings)
    service = await kind.open(data_dir, local)
    server = HttpServer(service, local, tls)
    await server.start()
    yield service, server.url
    await server.stop()
    await service.close()
