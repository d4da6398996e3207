"""A server to attack: `localtwins serve --http` as a process, requests as raw bytes, and what they cost it."""

import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..hostile.measuring import processor_seconds

API_VERSION = "api-version=2023-10-31"
_PATIENCE = 90


@dataclass(frozen=True)
class Answer:
    """An answer; `status` is 0 if the connection was closed without one."""

    status: int
    head: bytes = b""
    body: bytes = b""


@dataclass(frozen=True)
class Attacked:
    """A running server."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    def send(self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request that is HTTP at least."""
        lines = {"Content-Length": str(len(body)), **(headers or {})}
        return self.send_raw(method, target, "\r\n".join(f"{name}: {value}" for name, value in lines.items()), body)

    def send_raw(self, method: str, target: str, headers: str, body: bytes, *, end: bool = False) -> Answer:
        """Send raw bytes on a connection of their own, with `end` nothing after them."""
        mark = "&" if "?" in target else "?"
        head = f"{method} {target}{mark}{API_VERSION} HTTP/1.1\r\nHost: local\r\nConnection: close\r\n{headers}\r\n\r\n"
        received = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE) as connection:
            try:
                connection.sendall(head.encode("latin-1") + body)
                if end:
                    connection.shutdown(socket.SHUT_WR)
            except (ConnectionResetError, BrokenPipeError):
                pass  # it has heard enough; the answer may be there all the same
            try:
                while chunk := connection.recv(1 << 16):
                    received += chunk
            except ConnectionResetError:
                pass
        if not received:
            return Answer(0)
        head_received, _, body_received = received.partition(b"\r\n\r\n")
        return Answer(int(received.split(b" ", 2)[1]), head_received, body_received)

    def resident_bytes(self) -> int:
        """The memory that it has now."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * resource.getpagesize()

    def peak_bytes(self) -> int:
        """The most memory that it has had since `forget_peak`."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [kilobytes] = re.findall(r"VmHWM:\s+(\d+) kB", status)
        return int(kilobytes) * 1024

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def cpu_seconds(self) -> float:
        """The processor time that it has used so far."""
        return processor_seconds(self.process.pid)


@contextmanager
def attacked(folder: Path, *arguments: str) -> Iterator[Attacked]:
    """A server in memory for the time of a block, whose log goes to a file in `folder`; it must stop cleanly."""
    log = folder / "localtwins.log"
    command = [sys.executable, "-m", "localtwins", "serve", "--http", "--listen", "127.0.0.1:0", "--data-dir"]
    with (
        log.open("wb") as written,
        subprocess.Popen([*command, ":memory:", *arguments], stdout=subprocess.PIPE, stderr=written) as process,
    ):
        try:
            assert process.stdout
            announced = process.stdout.readline().decode()
            port = re.search(r"serves http://127\.0\.0\.1:(\d+)", announced)
            assert port, f"{announced}{log.read_text()}"
            yield Attacked(process, int(port[1]), log)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()
