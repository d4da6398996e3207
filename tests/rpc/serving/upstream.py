"""localtwins as a process of its own, for servers that reach their upstream over HTTP."""

import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .process import environment, wait_until


@dataclass
class UpstreamProcess:
    """An upstream that can be made to hang and to go away."""

    process: subprocess.Popen[bytes]
    url: str

    @property
    def words(self) -> list[str]:
        """What `twinfront serve` has to be told to use it."""
        return ["--upstream", self.url, "--upstream-credential", "none"]

    def hang(self) -> None:
        """Takes connections and requests from here on, and answers none."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Answers, what has piled up included."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def start(folder: Path, port: int = 0) -> UpstreamProcess:
    """Starts localtwins in the clear, with nothing kept."""
    stdout = folder / "upstream-stdout"
    words = ["serve", "--http", f"--listen=127.0.0.1:{port}", "--data-dir=:memory:"]
    with stdout.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "localtwins", *words], env=environment(), stdout=out)
    wait_until(lambda: process.poll() is not None or b"http://" in stdout.read_bytes())
    url = re.search(r"http://[\d.:]+", stdout.read_text())
    assert url, "localtwins did not start"
    return UpstreamProcess(process, url[0])
