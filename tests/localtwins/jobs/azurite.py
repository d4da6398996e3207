"""Azurite, the storage emulator, as a process: its npm package is installed into the user's cache on first use."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.caches import npm_package

PACKAGE = "azurite"
VERSION = "3.35.0"
# The account that the emulator documents; its key is no secret.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def _installed() -> Path:
    """The emulator's blob service as a script."""
    return npm_package(PACKAGE, VERSION) / "node_modules" / PACKAGE / "dist" / "src" / "blob" / "main.js"


@contextmanager
def azurite(location: Path) -> Iterator[str]:
    """Run the emulator for the time of a block and give the URL of its account."""
    command = ["node", str(_installed()), "--blobHost", "127.0.0.1", "--blobPort", "0", "--skipApiVersionCheck"]
    command += ["--silent", "--disableTelemetry", "--location", str(location)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            while not (listening := re.search(r"listens on (http://\S+:\d+)", line := process.stdout.readline())):
                assert line, "the emulator did not start"
            yield f"{listening[1]}/{ACCOUNT}"
        finally:
            process.terminate()
            process.communicate()


def connection_string(url: str) -> str:
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={url};"
