"""Azurite, the storage emulator, as a process: its npm package is installed into the user's cache on first use."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.caches import CACHES

PACKAGE = "azurite"
VERSION = "3.35.0"
# The account that the emulator documents; its key is no secret.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def _installed() -> Path:
    """The emulator's blob service as a script."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed, so there is no storage emulator")
    cache = CACHES / f"azurite-{VERSION}"
    script = cache / "node_modules" / PACKAGE / "dist" / "src" / "blob" / "main.js"
    if not script.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", str(cache)]
        installed = subprocess.run([*command, f"{PACKAGE}@{VERSION}"], capture_output=True, check=False)
        if installed.returncode != 0:
            pytest.skip(f"npm could not install {PACKAGE}")
    return script


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
