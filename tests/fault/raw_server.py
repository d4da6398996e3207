"""A server in the place of Azure Digital Twins that answers with bytes of a test's choice, HTTP or not."""

import contextlib
import re
import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Iterator

PROBED = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
"""Says that it hangs up: a write sent on a connection that is about to close would be lost unseen."""


class RawServer(socketserver.ThreadingTCPServer):
    """Answers each request with the same pieces, until they end or nobody takes them any more; then it hangs up.

    Attributes:
        heads: the heads of the requests that came, health probes aside.
        pieces: makes the pieces of an answer.
        pause: seconds between pieces.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.heads: list[str] = []
        self.pieces: Callable[[], Iterable[bytes]] = list
        self.pause = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Connection(socketserver.StreamRequestHandler):
    server: RawServer

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            head = b"".join(iter(self.rfile.readline, b"\r\n")).decode()
            length = re.search(r"(?i)content-length: (\d+)", head)
            self.rfile.read(int(length[1]) if length else 0)
            if "dtmi:twinfront:probe" in head:
                self.wfile.write(PROBED)
                return
            self.server.heads.append(head)
            for piece in self.server.pieces():
                self.wfile.write(piece)
                time.sleep(self.server.pause)

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()


@contextlib.contextmanager
def raw_server() -> Iterator[RawServer]:
    """Serves on a free port inside the block."""
    with RawServer() as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()
