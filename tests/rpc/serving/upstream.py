"""localtwins as a process of its own, for servers that reach their upstream over HTTP."""

import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.ports import reserved_port

from .process import environment, wait_until


@dataclass
class UpstreamProcess:
    """An upstream that can be made to hang and to go away."""

    process: subprocess.Popen[bytes]
    url: str
    authority: Path | None = None

    @property
    def words(self) -> list[str]:
        """The words that have `twinfront serve` use it."""
        return self.words_for(self.port)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def words_for(self, port: int) -> list[str]:
        """The same for a server that reaches it through another port of this machine."""
        trust = [] if self.authority is None else ["--upstream-ca", str(self.authority)]
        return ["--upstream", f"{self.url.rpartition(':')[0]}:{port}", "--upstream-credential", "none", *trust]

    def hang(self) -> None:
        """Takes connections and requests from here on, and answers none."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Answers, what has piled up included."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def start(folder: Path, port: int = 0, more: Sequence[str] = (), *, tls: bool = False) -> UpstreamProcess:
    """Starts localtwins, in the clear with nothing kept, or over TLS with its data in the folder."""
    stdout = folder / "upstream-stdout"
    kept = [f"--data-dir={folder / 'upstream-data'}"] if tls else ["--http", "--data-dir=:memory:"]
    words = ["serve", f"--listen=127.0.0.1:{port or reserved_port()}", *kept, *more]
    with stdout.open("wb") as out, (folder / "upstream-stderr").open("ab") as err:
        command = [sys.executable, "-m", "localtwins", *words]
        process = subprocess.Popen(command, env=environment(), stdout=out, stderr=err)
    wait_until(lambda: process.poll() is not None or b"://127.0.0.1:" in stdout.read_bytes())
    url = re.search(r"https?://127\.0\.0\.1:\d+", stdout.read_text())
    assert url, "localtwins did not start"
    return UpstreamProcess(process, url[0], folder / "upstream-data/tls/ca.pem" if tls else None)
