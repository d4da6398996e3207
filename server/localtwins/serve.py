"""`localtwins serve`: a service, its HTTP server and what they need, from the settings to a signal."""

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from localtwins.certificate import DevelopmentCertificate
from localtwins.http_server import HttpServer
from localtwins.identity.serving import start_identity
from localtwins.service import LocalTwins
from localtwins.settings import Settings
from localtwins.store.database import MEMORY
from localtwins.tls import server_tls
from twinfront_program.address import Address
from twinfront_program.hangup import on_hangup
from twinfront_program.log import Log


async def serve(settings: Settings, announce: Callable[[str], None], log: Log) -> None:
    """Serves until SIGTERM or SIGINT, or until the terminal is closed that it was started from.

    Args:
        settings: where and how.
        announce: tells the operator what is ready.
        log: takes each request that the settings want to be logged.

    Raises:
        StartupError: it cannot start.
    """
    stopped = asyncio.Event()
    listen = Address.parse(settings.listen)
    async with AsyncExitStack() as stack:
        for signum in (signal.SIGTERM, signal.SIGINT):
            _on_signal(signum, stopped.set, stack)
        if sys.platform != "win32":
            goes_on = "SIGHUP changes nothing: the certificate is read when the server starts"
            _on_signal(signal.SIGHUP, on_hangup(stopped.set, log, goes_on), stack)
        service = await LocalTwins.open(settings.data_dir, settings)
        stack.push_async_callback(service.close)
        tls, made = None, None
        if not settings.http:
            folder = _folder(settings, stack)
            tls, made = server_tls(settings, listen, folder)
        server = HttpServer(service, settings, tls, log)
        stack.push_async_callback(server.stop)
        await server.start()
        told = [f"localtwins serves {server.url} from {settings.data_dir}"]
        if made is not None:
            told.append(_trust(made))
        if settings.identity is not None:
            url = listen.reachable().with_port(server.port).url("https")
            told.append(await start_identity(settings, Address.parse(settings.identity), url, made, folder, stack, log))
        announce("\n".join(told))
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


def _folder(settings: Settings, stack: AsyncExitStack) -> Path:
    """Gives the folder of the certificate and of what clients need, which goes with the stack if nothing is kept."""
    if settings.data_dir == MEMORY:
        return Path(stack.enter_context(TemporaryDirectory(prefix="localtwins-"))) / "tls"
    return Path(settings.data_dir) / "tls"


def _trust(made: DevelopmentCertificate) -> str:
    """Tells how to trust a certificate that was made for development."""
    return (
        "The certificate is for development. To trust it, give clients its authority:\n"
        f"    {made.authority}\n"
        "    Python SDK: connection_verify=<that file>; curl: --cacert; Node.js: NODE_EXTRA_CA_CERTS; "
        "Go and others: SSL_CERT_FILE"
    )
