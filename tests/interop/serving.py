"""The server that clients and tools are run against: in the clear, on either engine, with TLS, and with mTLS."""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.rpc.access.issuer import KEYS, Issuer
from tests.rpc.serving import process
from tests.rpc.serving.certificates import Authority, Issued

from twinfront_server.access.permissions import ROLES

MODES = ("clear", "tls", "mtls")

NATIVE = "native"
"""The mode of the other engine, which is in the clear."""

UNIX = "unix"
"""The mode in which a server listens on a Unix socket, in the clear."""

TOKEN = "token"
"""The mode in which callers are known by a token, over TLS."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server, and what a caller needs to be let in."""

    address: str
    authority: Path | None
    client: Issued | None
    token: str | None = None


@contextlib.contextmanager
def served(mode: str, folder: Path, words: Sequence[str], variables: Mapping[str, str]) -> Iterator[Endpoint]:
    """Serves inside the block, with these words and variables besides those of the mode."""
    with contextlib.ExitStack() as closing:
        authority = Authority(folder)
        own, client = authority.issue("server"), authority.issue("client")
        words = list(words)
        if mode == NATIVE:
            words.append("--engine=native")
        if mode == UNIX:  # a path of a socket has to be short
            short = closing.enter_context(tempfile.TemporaryDirectory(prefix="twinfront-"))
            words.append(f"--listen=unix:{short}/twinfront.sock")
        in_the_clear = mode in {"clear", NATIVE, UNIX}
        if not in_the_clear:
            words += ["--engine=grpcio", f"--tls-cert={own.cert}", f"--tls-key={own.key}"]
        token = None
        if mode == TOKEN:
            issuer = Issuer(url="https://issuer.example")
            keys = folder / "keys.json"
            keys.write_bytes(issuer.answer(KEYS)[2])
            words += [f"--{name.replace('_', '-')}={value}" for name, value in issuer.settings(jwt_jwks=keys).items()]
            token = issuer.token(exp=int(time.time()) + 86_400, roles=list(ROLES))
        if mode == "mtls":
            words.append(f"--tls-client-ca={authority.cert}")
        server = process.start(folder, words, dict(variables))
        closing.callback(server.end)
        ca = None if in_the_clear else authority.cert
        yield Endpoint(server.address, ca, client if mode == "mtls" else None, token)
