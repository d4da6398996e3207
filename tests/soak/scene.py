"""Two fronts before one upstream, and what happens to all: faults, restarts, certificates that change."""

import json
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from tests.happenings import Happenings
from tests.rpc.access.issuer import AUDIENCE, SigningKey
from tests.rpc.serving import process, redis_process, upstream
from tests.rpc.serving.certificates import Authority

FAULTS: Final = (
    "latency=5ms-100ms:rate=0.2",
    "error=503:rate=0.02,throttle=1:rate=0.01",
    "lost:on=writes:rate=0.02",
    "",
)
_ISSUER: Final = "https://issuer.example"
_WORDS: Final = (
    "--auth=jwt",
    f"--jwt-issuer={_ISSUER}",
    f"--jwt-audience={AUDIENCE}",
    "--page-token-key=the same for both fronts",
    "--drain-grace=10s",
    "--health-interval=1s",
    "--max-connection-age=20s",
)
_AWAY_SECONDS: Final = 1.0


class Scene:
    """The processes, and what is done to them.

    One of the fronts is there from beginning to end; the other one, the upstream and Redis are stopped and killed.

    Attributes:
        authority: vouches for the certificates of the fronts.
        lasting: the front that stays.
        other: the front that does not.
        happenings: what is done to the processes.
    """

    lasting: process.ServedProcess
    other: process.ServedProcess

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.authority = Authority(folder)
        self.happenings = Happenings(
            chance,
            [
                self._renew_the_certificate,
                self._renew_the_keys,
                self._change_the_policy,
                self._stop_a_front,
                self._kill_a_front,
                self._kill_the_upstream,
                self._let_the_upstream_hang,
                self._kill_redis,
            ],
        )
        self._folder = folder
        self._chance = chance
        self._keys: list[SigningKey] = []
        self._policies = 0
        self._running: list[process.ServedProcess] = []
        self.authority.issue("server")
        self._renew_the_keys()
        self._change_the_policy()
        self._upstream = upstream.start(folder, tls=True)
        self._redis = redis_process.start(folder, "--appendonly", "yes", "--appendfsync", "always")

    def start(self) -> None:
        """Starts the fronts."""
        self.lasting = self._serve()
        self.other = self._serve()

    def close(self) -> None:
        """Ends all processes."""
        for each in self._running:
            each.end()
        self._redis.end()
        self._upstream.end()

    @property
    def token(self) -> Path:
        """Gives the file that has the newest token of the callers."""
        return self._folder / "token"

    @property
    def target(self) -> str:
        """Both fronts, for clients that know how to go from one to another."""
        return f"ipv4:{self.lasting.address},{self.other.address}"

    def calm_down(self) -> None:
        """Ends the faults, for a last look at what is there."""
        self._upstream.end()
        self._start_the_upstream("")

    def _renew_the_certificate(self) -> None:
        self.authority.issue("server")

    def _renew_the_keys(self) -> None:
        """Adds a key to those that tokens are signed with, and signs the token of the callers with it."""
        self._keys.append(SigningKey(f"key-{len(self._keys)}"))
        self._write("keys.json", json.dumps({"keys": [key.jwk() for key in self._keys]}))
        claims = {"iss": _ISSUER, "aud": AUDIENCE, "sub": "soak", "exp": int(time.time()) + 24 * 3600}
        self._write("token", self._keys[-1].sign(claims))

    def _change_the_policy(self) -> None:
        """Writes another one that permits the callers the same, and every third time one that cannot be used."""
        self._policies += 1
        roles = ["reader", "writer", "modeller", "operator"]
        bindings = [{"role": role, "to": {"principals": ["jwt:soak"]}} for role in roles]
        bindings.append({"role": "reader", "to": {"groups": [f"group-{self._policies}"]}})
        version = 1 if self._policies % 3 else 0
        self._write("policy.yaml", json.dumps({"version": version, "bindings": bindings}))

    def _write(self, name: str, text: str) -> None:
        """Writes a file that is read at any time, so that it is there all at once."""
        replacing = self._folder / f"{name}.new"
        replacing.write_text(text)
        replacing.replace(self._folder / name)

    def _stop_a_front(self) -> None:
        self.other.signal()
        self.other.exit_code()
        self.other = self._serve(f"--listen={self.other.address}")

    def _kill_a_front(self) -> None:
        self.other.end()
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

    def _kill_redis(self) -> None:
        self._redis.end()
        time.sleep(_AWAY_SECONDS)
        self._redis.start()

    def _serve(self, *words: str) -> process.ServedProcess:
        if self._policies % 3 == 0:
            self._change_the_policy()  # with one that cannot be used nothing starts
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        certificate = [f"--tls-cert={self._folder / 'server.pem'}", f"--tls-key={self._folder / 'server.key'}"]
        access = [f"--jwt-jwks={self._folder / 'keys.json'}", f"--policy={self._folder / 'policy.yaml'}"]
        outcomes = f"--outcomes={self._redis.url}"
        served = process.start(folder, [*self._upstream.words, *certificate, *access, outcomes, *_WORDS, *words], {})
        self._running.append(served)
        return served


@contextmanager
def scene(seed: int) -> Iterator[Scene]:
    """Makes a scene inside the block."""
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        closing(Scene(Path(folder), random.Random(seed))) as made,
    ):
        made.start()
        yield made
