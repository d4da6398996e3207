"""`twinfront serve`: a server from its start to the signal that ends it."""

import asyncio
import signal
import sys

from twinfront_program.event_loop import new_event_loop
from twinfront_program.hangup import on_hangup
from twinfront_program.light_start import end_start
from twinfront_program.log import configure_logging, get_logger
from twinfront_program.startup_error import StartupError
from twinfront_server.app import App
from twinfront_server.call import current_call
from twinfront_server.greeting import greeting
from twinfront_server.open_files import raise_limit
from twinfront_server.settings import Settings


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
    if sys.platform != "win32":
        goes_on = "SIGHUP changes nothing: files that change are noticed without it"
        loop.add_signal_handler(signal.SIGHUP, on_hangup(on_signal, log, goes_on))
    async with App(settings) as app:
        end_start()
        if settings.greeting:
            print(greeting(settings, app.address, app.mtls_address, app.metrics_address), flush=True)  # noqa: T201  (for people)
        certified = {} if app.mtls_address is None else {"mtls_address": str(app.mtls_address)}
        log.info("serving", address=str(app.address), **certified, engine=settings.engine, upstream=settings.upstream)
        await stop.wait()
        log.info("draining", grace=settings.drain_grace)
        await app.drain(hasten)
    log.info("stopped")
