"""The server that clients and tools are run against: in the clear, with TLS, and with mTLS."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.rpc.serving import process
from tests.rpc.serving.certificates import Authority, Issued

MODES = ("clear", "tls", "mtls")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server, and what a caller needs to be let in."""

    address: str
    authority: Path | None
    client: Issued | None


@contextlib.contextmanager
def served(mode: str, folder: Path, words: Sequence[str], variables: Mapping[str, str]) -> Iterator[Endpoint]:
    """Serves inside the block, with these words and variables besides those of the mode."""
    authority = Authority(folder)
    own, client = authority.issue("server"), authority.issue("client")
    words = list(words)
    if mode != "clear":
        words += [f"--tls-cert={own.cert}", f"--tls-key={own.key}"]
    if mode == "mtls":
        words.append(f"--tls-client-ca={authority.cert}")
    server = process.start(folder, words, dict(variables))
    try:
        yield Endpoint(server.address, authority.cert if mode != "clear" else None, client if mode == "mtls" else None)
    finally:
        server.process.kill()
        server.process.wait()
