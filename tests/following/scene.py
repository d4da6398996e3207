"""Fronts before one log of changes, each behind a hop, and what happens to them."""

import json
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.happenings import Happenings
from tests.rpc.access.issuer import AUDIENCE, SigningKey
from tests.rpc.serving import process, upstream
from tests.rpc.serving.hop import Hop

from .filters import LIMIT
from .graph import write_import_file

FRONTS: Final = 3
_ISSUER: Final = "https://issuer.example"
_CALLERS: Final = ("everything", "limited")
_WORDS: Final = (
    "--auth=jwt",
    f"--jwt-issuer={_ISSUER}",
    f"--jwt-audience={AUDIENCE}",
    "--page-token-key=the same for all fronts",
    "--drain-grace=2s",
    "--max-connection-age=7s",
    "--max-unread-time=4s",
    "--log-level=warning",
)
_AWAY_SECONDS: Final = 0.5
_DRAIN_SECONDS: Final = 30.0


@dataclass
class Front:
    """A front, and the hop before it."""

    served: process.ServedProcess
    hop: Hop


class Scene:
    """The processes, and what is done to them.

    Attributes:
        database: the file that has the log.
        happenings: what is done to them.

    Args:
        folder: where they keep what they have.
        running: ends the processes.
        chance: says what happens.
        max_changes: how many changes the log keeps.
        embedded: has one front, with the service in its process, in the place of several before one over HTTPS.
    """

    def __init__(
        self, folder: Path, running: ExitStack, chance: random.Random, *, max_changes: int, embedded: bool
    ) -> None:
        self.happenings = Happenings(
            chance, [self._kill_a_front, self._drain_a_front, self._cut_connections, self._cut_connections]
        )
        self._folder = folder
        self._chance = chance
        self._running = running
        self._write_access()
        blobs = folder / "blobs"
        blobs.mkdir()
        write_import_file(blobs)
        settings = [f"--max-changes={max_changes}", f"--jobs-dir={blobs}"]
        self._variables: dict[str, str] = {}
        if embedded:
            data = folder / "data"
            self._variables = {"LOCALTWINS_MAX_CHANGES": str(max_changes), "LOCALTWINS_JOBS_DIR": str(blobs)}
            self._before = [f"--data-dir={data}"]
        else:
            data = folder / "upstream-data"
            served = upstream.start(folder, more=settings, tls=True)
            running.callback(served.end)
            self._before = served.words
        self.database = data / "localtwins.db"
        self._fronts = [self._front() for _ in range(1 if embedded else FRONTS)]

    def targets(self) -> list[str]:
        """Gives the addresses at which watchers find the fronts, through the hops."""
        return [f"127.0.0.1:{front.hop.port}" for front in self._fronts]

    @property
    def target(self) -> str:
        """All fronts, for clients that know how to go from one to another."""
        return "ipv4:" + ",".join(front.served.address for front in self._fronts)

    def token_file(self, *, is_limited: bool) -> Path:
        """Gives the file with the credentials of a caller."""
        return self._folder / _CALLERS[is_limited]

    def _write_access(self) -> None:
        key = SigningKey("key")
        (self._folder / "keys.json").write_text(json.dumps({"keys": [key.jwk()]}))
        for name in _CALLERS:
            claims = {"iss": _ISSUER, "aud": AUDIENCE, "sub": name, "exp": int(time.time()) + 24 * 3600}
            (self._folder / name).write_text(key.sign(claims))
        everything, limited = ({"principals": [f"jwt:{name}"]} for name in _CALLERS)
        bindings = [{"role": role, "to": everything} for role in ("reader", "writer", "modeller", "operator")]
        bindings.append({"role": "reader", "to": limited, "within": {"ids": [LIMIT]}})
        (self._folder / "policy.yaml").write_text(json.dumps({"version": 1, "bindings": bindings}))

    def _front(self) -> Front:
        served = self._serve()
        return Front(served, self._running.enter_context(Hop(int(served.port))))

    def _serve(self, *words: str) -> process.ServedProcess:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        access = [f"--jwt-jwks={self._folder / 'keys.json'}", f"--policy={self._folder / 'policy.yaml'}"]
        served = process.start(folder, [*self._before, *access, *_WORDS, *words], self._variables)
        self._running.callback(served.end)
        return served

    def _kill_a_front(self) -> None:
        front = self._chance.choice(self._fronts)
        front.served.end()
        time.sleep(_AWAY_SECONDS)
        self._start_again(front)

    def _drain_a_front(self) -> None:
        front = self._chance.choice(self._fronts)
        front.served.signal()
        front.served.process.wait(_DRAIN_SECONDS)
        self._start_again(front)

    def _start_again(self, front: Front) -> None:
        front.served = self._serve(f"--listen={front.served.address}")

    def _cut_connections(self) -> None:
        hop = self._chance.choice(self._fronts).hop
        hop.reset()
        time.sleep(_AWAY_SECONDS)
        hop.pass_on()


@contextmanager
def scene(seed: int, *, max_changes: int, embedded: bool) -> Iterator[Scene]:
    """Makes a scene inside the block."""
    with tempfile.TemporaryDirectory(prefix="following-") as folder, ExitStack() as running:
        yield Scene(Path(folder), running, random.Random(seed), max_changes=max_changes, embedded=embedded)
