"""`localtwins serve`: a service, its HTTP server and what they need, from the settings to a signal."""

import asyncio
import signal
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from localtwins.address import Address
from localtwins.certificate import DevelopmentCertificate, development_certificate
from localtwins.errors import StartupError
from localtwins.http_server import HttpServer
from localtwins.service import LocalTwins
from localtwins.settings import Settings
from localtwins.store.database import MEMORY


async def serve(settings: Settings, announce: Callable[[str], None], log: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: where and how.
        announce: tells the operator what is ready.
        log: takes a line for each request that the settings want to see.

    Raises:
        StartupError: if it cannot start.
    """
    stopped = asyncio.Event()
    async with AsyncExitStack() as stack:
        for signum in (signal.SIGTERM, signal.SIGINT):
            _on_signal(signum, stopped.set, stack)
        service = await LocalTwins.open(settings.data_dir, settings)
        stack.push_async_callback(service.close)
        tls, trust = None, ""
        if not settings.http:
            tls, trust = _tls(settings, stack)
        server = HttpServer(service, settings, tls, log)
        stack.push_async_callback(server.stop)
        await server.start()
        announce(f"localtwins serves {server.url} from {settings.data_dir}{trust}")
        await stopped.wait()
        announce("localtwins stops")


def _on_signal(signum: int, callback: Callable[[], object], stack: AsyncExitStack) -> None:
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signum, callback)
    except NotImplementedError:  # on Windows
        stack.callback(signal.signal, signum, signal.getsignal(signum))
        signal.signal(signum, lambda *_: loop.call_soon_threadsafe(callback))
    else:
        stack.callback(loop.remove_signal_handler, signum)


def _tls(settings: Settings, stack: AsyncExitStack) -> tuple[ssl.SSLContext, str]:
    """Give the TLS context, and how to trust a certificate that was made for development."""
    trust = ""
    if settings.tls_cert or settings.tls_key:
        if not (settings.tls_cert and settings.tls_key):
            raise StartupError("--tls-cert and --tls-key need each other.")
        if settings.tls_name:
            raise StartupError("--tls-name is for the certificate that is made without --tls-cert.")
        chain, key = Path(settings.tls_cert), Path(settings.tls_key)
    else:
        made = _made_certificate(settings, stack)
        chain, key = made.chain, made.key
        trust = (
            "\nThe certificate is for development. To trust it, give clients its authority:\n"
            f"    {made.authority}\n"
            "    Python SDK: connection_verify=<that file>; curl: --cacert; Node.js: NODE_EXTRA_CA_CERTS; "
            "Go and others: SSL_CERT_FILE"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(chain, key)
    except (OSError, ssl.SSLError) as error:
        raise StartupError(f"The TLS certificate {chain} with key {key} cannot be used: {error}.") from error
    return context, trust


def _made_certificate(settings: Settings, stack: AsyncExitStack) -> DevelopmentCertificate:
    directory = settings.data_dir
    if directory == MEMORY:
        directory = stack.enter_context(TemporaryDirectory(prefix="localtwins-"))
    listen = Address.parse(settings.listen, "--listen")
    names = settings.tls_names if listen.is_wildcard else [listen.host, *settings.tls_names]
    return development_certificate(Path(directory) / "tls", names)
