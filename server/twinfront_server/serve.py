"""`twinfront serve`: a server from its start to the signal that ends it."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Final

from twinfront_program.address import Address
from twinfront_program.light_start import end_start
from twinfront_program.log import configure_logging, get_logger
from twinfront_program.startup_error import StartupError
from twinfront_server import __version__
from twinfront_server.app import App
from twinfront_server.call import current_call
from twinfront_server.event_loop import new_event_loop
from twinfront_server.open_files import raise_limit
from twinfront_server.settings import Settings

_EXAMPLE_METHOD: Final = "twinfront.v1.ModelService/ListModels"
_EXAMPLE: Final = Path("clients/python/examples/manage_twins.py")


def serve(settings: Settings, warnings: list[str]) -> int:
    """Serves until SIGTERM or SIGINT, drains, and returns the exit code; a second signal cuts the drain short.

    Args:
        settings: the settings.
        warnings: what is to be said about them in the log.
    """
    configure_logging(settings.log_format, settings.log_level, _on_behalf)
    log = get_logger()
    for warning in warnings:
        log.warning(warning)
    try:
        raise_limit()
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_serve(settings))
    except StartupError as error:
        print(f"twinfront: {error}", file=sys.stderr)  # noqa: T201  (the one line for the person who started it)
        return 1
    return 0


def _on_behalf() -> dict[str, str]:
    """Gives the ids of the call on whose behalf something is logged, to find it by."""
    call = current_call()
    return {name: each for name, each in (("call_id", call.call_id), ("trace_id", call.trace_id)) if each}


async def _serve(settings: Settings) -> None:
    stop, hasten = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (hasten if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    log = get_logger()
    async with App(settings) as app:
        end_start()
        if settings.greeting:
            print(greeting(settings, app.address, app.metrics_address), flush=True)  # noqa: T201  (for people)
        certified = {} if app.mtls_address is None else {"mtls_address": str(app.mtls_address)}
        log.info("serving", address=str(app.address), **certified, upstream=settings.upstream)
        await stop.wait()
        log.info("draining", grace=settings.drain_grace)
        await app.drain(hasten)
    log.info("stopped")


def greeting(settings: Settings, address: Address, metrics_address: Address | None) -> str:
    """Gives the lines for a person once the server is up: where it is, and lines to try next, ready to paste."""
    target = address.reachable()
    data = f", data in {settings.data_dir}" if settings.upstream == "local" else ""
    lines = [f"twinfront {__version__} is serving on {address} (upstream {settings.upstream}{data})", "", "Try next:"]
    if settings.reflection:
        lines += [
            f"  grpcurl {_grpcurl_options(settings)} {target} {_EXAMPLE_METHOD}",
            f"  {_program('buf')} curl --protocol grpc {_buf_options(settings, target)}/{_EXAMPLE_METHOD}",
        ]
    if _EXAMPLE.exists():
        lines.append(f"  {_program('python')} {_EXAMPLE}{_example_options(settings, target)}")
    if metrics_address is not None:
        lines.append(f"  curl http://{metrics_address.reachable()}/metrics")
    return "\n".join([*lines, ""])


def _program(name: str) -> str:
    """Finds a program as a shell in this folder does: the environment's own if it has one, else the one on the PATH."""
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        return name
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _grpcurl_options(settings: Settings) -> str:
    if settings.tls_cert is None:
        return "-plaintext"
    return f"-cacert {settings.tls_cert}" + (" -cert client.pem -key client.key" if settings.tls_client_ca else "")


def _buf_options(settings: Settings, target: Address) -> str:
    if settings.tls_cert is None:
        return f"--http2-prior-knowledge http://{target}"
    client = " --cert client.pem --key client.key" if settings.tls_client_ca else ""
    return f"--cacert {settings.tls_cert}{client} https://{target}"


def _example_options(settings: Settings, target: Address) -> str:
    options = f" --address {target}"
    if settings.tls_cert is not None:
        options += f" --tls-ca {settings.tls_cert}"
        options += " --tls-cert client.pem --tls-key client.key" if settings.tls_client_ca else ""
    return options
