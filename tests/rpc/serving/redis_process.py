"""Redis as a process of its own, that keeps nothing unless it is told to."""

import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.ports import reserved_port
from tests.tools import require

from .echo import eventually
from .process import wait_until


@dataclass
class RedisProcess:
    """A Redis that can be made to hang, to go away and to come back."""

    folder: Path
    words: Sequence[str] = ()
    port: int = field(default_factory=reserved_port)
    scheme: str = "redis"
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self) -> None:
        port = ["--port", "0", "--tls-port", str(self.port)] if self.scheme == "rediss" else ["--port", str(self.port)]
        words = ["--bind", "127.0.0.1", *port, "--save", "", "--dir", str(self.folder), *self.words]
        with (self.folder / "redis-log").open("ab") as log:
            self.process = subprocess.Popen(["redis-server", *words], stdout=log)
        wait_until(self._takes_connections)

    def _takes_connections(self) -> bool:
        assert self.process.poll() is None, (self.folder / "redis-log").read_text()
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.port)) == 0

    def command(self, *words: str) -> str:
        """Has something done, by Redis' own command line."""
        line = ["redis-cli", "-p", str(self.port), *words]
        return subprocess.run(
            line, check=True, capture_output=True, text=True, errors="replace", timeout=20
        ).stdout.strip()

    def lose_outcome(self) -> None:
        """Has the one write that is known there look as if its replica had been killed at it."""
        name = self.command("KEYS", "*")
        self.command("HDEL", name, "type", "data", "pushback")
        now = int(self.command("TIME").splitlines()[0]) * 1000
        self.command("HSET", name, "since", str(now - 1000), "owner", "killed", "lease", str(now - 500))

    def hang(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def start(folder: Path, *words: str, scheme: str = "redis") -> RedisProcess:
    require(["redis-server", "redis-tools"])
    return RedisProcess(folder, words, scheme=scheme)


async def ended_write(redis: RedisProcess) -> str:
    """The name under which Redis has the one write that there is, once it has been told how that ended."""
    await eventually(lambda: "type" in redis.command("HKEYS", redis.command("KEYS", "*")))
    return redis.command("KEYS", "*")
