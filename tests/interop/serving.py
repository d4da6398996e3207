"""The server that the clients are run against: in clear, with TLS, and with mTLS."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.rpc.serving import process
from tests.rpc.serving.certificates import Authority

MODES = ("clear", "tls", "mtls")

FAULTS = (
    "latency=2s:on=get_delete_job,error=503:on=list_delete_jobs,"
    "lost:on=publish_component_telemetry,throttle=1:on=delete_import_job"
)
"""Operations that are there to fail, so that every client meets what a caller can meet."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server, and the arguments by which a runner reaches it."""

    address: str
    arguments: list[str]


@contextlib.contextmanager
def served(mode: str, folder: Path) -> Iterator[Served]:
    """Serves inside the block."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority(folder)
    certificate, own = authority.issue("server"), authority.issue("client")
    words: list[str] = []
    arguments: list[str] = []
    if mode != "clear":
        words = [f"--tls-cert={certificate.cert}", f"--tls-key={certificate.key}"]
        arguments = ["--ca", str(authority.cert), "--server-name", "localhost"]
    if mode == "mtls":
        words.append(f"--tls-client-ca={authority.cert}")
        arguments += ["--cert", str(own.cert), "--key", str(own.key)]
    variables = {
        "LOCALTWINS_INJECT": FAULTS,
        "LOCALTWINS_JOBS_DIR": str(folder),
        "LOCALTWINS_ENDPOINT": json.dumps({"events": f"file:{folder / 'events.ndjson'}"}),
    }
    server = process.start(folder, words, variables)
    try:
        yield Served(server.address, ["--address", server.address, *arguments])
    finally:
        server.process.kill()
        server.process.wait()
