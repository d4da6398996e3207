"""The event loop of the process: uvloop where there is one, with one owner for each socket."""

import asyncio
import socket
from typing import Any, cast


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Makes a loop: uvloop's, or asyncio's own where uvloop is not to be had (Windows)."""
    try:
        import uvloop  # noqa: PLC0415  (see above)
    except ModuleNotFoundError:
        return asyncio.new_event_loop()

    class Loop(uvloop.Loop):
        """uvloop, in which a socket that became a connection owns its descriptor no longer.

        aiohttp connects a socket and has a connection made of it. uvloop takes its descriptor and means to take it
        from the socket object too, but a connection that breaks while TLS begins on it is closed before uvloop gets
        there. The object is then left with the number of a closed descriptor, which it closes once more when it is
        collected; by then the number is somebody else's, such as a caller's connection (MagicStack/uvloop#653).
        """

        async def create_connection(  # type: ignore[override]  # the many forms of it are uvloop's business
            self, *args: Any, sock: socket.socket | None = None, **options: Any
        ) -> tuple[asyncio.Transport, asyncio.Protocol]:
            """Makes a connection, and leaves a socket that was given without its descriptor, whatever comes of it."""
            try:
                made = await super().create_connection(*args, sock=sock, **options)
            finally:
                if sock is not None:
                    sock.detach()
            return cast("tuple[asyncio.Transport, asyncio.Protocol]", made)

    return Loop()
