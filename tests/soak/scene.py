"""Two fronts before one upstream, and what happens to them: faults, restarts, and certificates that change."""

import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.rpc.serving import process, upstream
from tests.rpc.serving.certificates import Authority

FAULTS: Final = (
    "latency=5ms-100ms:rate=0.2",
    "error=503:rate=0.02,throttle=1:rate=0.01",
    "lost:on=writes:rate=0.02",
    "",
)
_WORDS: Final = (
    "--page-token-key=the same for both fronts",
    "--drain-grace=10s",
    "--health-interval=1s",
    "--max-connection-age=20s",
)
_AWAY_SECONDS: Final = 1.0


class Scene:
    """The processes, and what is done to them.

    One of the fronts is there from beginning to end; the other one and the upstream are stopped and killed.

    Attributes:
        authority: vouches for the certificates of the fronts.
        lasting: the front that stays.
        other: the front that does not.
        happened: how often what happened.
    """

    lasting: process.ServedProcess
    other: process.ServedProcess

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.authority = Authority(folder)
        self.happened: Counter[str] = Counter()
        self._folder = folder
        self._chance = chance
        self._upstream = upstream.start(folder, tls=True)
        self._running: list[process.ServedProcess] = []

    def start(self) -> None:
        """Starts the fronts."""
        self.lasting = self._serve()
        self.other = self._serve()

    def close(self) -> None:
        """Ends all processes."""
        for each in self._running:
            each.process.kill()
            each.process.wait()
        self._upstream.end()

    @property
    def target(self) -> str:
        """Both fronts, for clients that know how to go from one to another."""
        return f"ipv4:{self.lasting.address},{self.other.address}"

    def happen(self) -> None:
        """Lets one thing happen."""
        what = self._chance.choice(
            [
                self._renew_the_certificate,
                self._stop_a_front,
                self._kill_a_front,
                self._kill_the_upstream,
                self._let_the_upstream_hang,
            ]
        )
        what()
        self.happened[_words(what)] += 1

    def calm_down(self) -> None:
        """Ends the faults, for a last look at what is there."""
        self._upstream.end()
        self._start_the_upstream("")

    def _renew_the_certificate(self) -> None:
        self.authority.issue("server")

    def _stop_a_front(self) -> None:
        self.other.signal()
        self.other.exit_code()
        self.other = self._serve(f"--listen={self.other.address}")

    def _kill_a_front(self) -> None:
        self.other.process.kill()
        self.other.process.wait()
        time.sleep(_AWAY_SECONDS)
        self.other = self._serve(f"--listen={self.other.address}")

    def _kill_the_upstream(self) -> None:
        """Starts it anew with other faults."""
        self._upstream.end()
        time.sleep(_AWAY_SECONDS)
        self._start_the_upstream(self._chance.choice(FAULTS))

    def _start_the_upstream(self, faults: str) -> None:
        words = [f"--inject={faults}"] if faults else []
        self._upstream = upstream.start(self._folder, self._upstream.port, words, tls=True)

    def _let_the_upstream_hang(self) -> None:
        self._upstream.hang()
        time.sleep(_AWAY_SECONDS)
        self._upstream.go_on()

    def _serve(self, *words: str) -> process.ServedProcess:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        certificate = [f"--tls-cert={self._folder / 'server.pem'}", f"--tls-key={self._folder / 'server.key'}"]
        served = process.start(folder, [*self._upstream.words, *certificate, *_WORDS, *words], {})
        self._running.append(served)
        return served


@contextmanager
def scene(seed: int) -> Iterator[Scene]:
    """Makes a scene inside the block."""
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    try:
        made = Scene(folder, random.Random(seed))
        try:
            made.authority.issue("server")
            made.start()
            yield made
        finally:
            made.close()
    finally:
        shutil.rmtree(folder)


def _words(what: Callable[[], None]) -> str:
    return what.__name__.replace("_", " ").strip()
