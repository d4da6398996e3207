"""The official JavaScript SDK walks a lifecycle against `localtwins serve` over HTTPS.

The SDK is installed from npm into the user's cache on first use; the program beside this file is run by node, which
trusts the development certificate's authority through NODE_EXTRA_CA_CERTS.
"""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from tests.caches import npm_package

from ...localtwins.serving import serving

PACKAGE = "@azure/digital-twins-core"
VERSION = "1.1.0"
PROGRAM = Path(__file__).with_name("lifecycle.mjs")


@pytest.fixture(scope="session")
def sdk() -> Path:
    """The folder in whose node_modules the SDK is."""
    return npm_package(PACKAGE, VERSION)


def run(sdk: Path, url: str, endpoint: str, authority: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["node", str(PROGRAM), str(sdk), url, endpoint],
        env=os.environ | {"NODE_EXTRA_CA_CERTS": str(authority)},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_a_program_walks_a_lifecycle(sdk: Path, tmp_path: Path):
    data_dir = tmp_path / "data"
    async with serving("--data-dir", str(data_dir), "--endpoint", f"events=file:{tmp_path / 'events'}") as server:
        program = await asyncio.to_thread(run, sdk, server.url, "events", data_dir / "tls" / "ca.pem")
    if program.returncode != 0:
        pytest.fail(program.stdout + program.stderr, pytrace=False)
