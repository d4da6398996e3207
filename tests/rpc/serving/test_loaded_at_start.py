"""What a server loads to start: only what it uses, since loading is nearly all of what a start costs."""

import subprocess
import sys

import pytest

from .process import environment

_START = """
import asyncio, sys

from twinfront_server.app import App
from twinfront_server.settings import Settings

async def start():
    async with App(Settings(listen="127.0.0.1:0", metrics_listen="127.0.0.1:0", data_dir=":memory:")):
        print(*sys.modules)

asyncio.run(start())
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules of a server that serves, and has not been called."""
    printed = subprocess.run([sys.executable, "-c", _START], capture_output=True, text=True, check=True, timeout=60)
    return set(printed.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "module",
    [
        "aiohttp",
        "azure.identity",
        "azure.storage.blob",
        "cryptography.x509",
        "jwt",
        "localtwins.http_server",
        "hiredis",
        "twinfront._exports",
        "yaml",
    ],
)
def test_a_server_loads_no_library_that_it_has_no_use_for_yet(loaded: set[str], module: str) -> None:
    assert "twinfront_server.upstream.local" in loaded
    assert module not in loaded


_SERVE = """
import builtins, gc, sys

from {module} import main

def greet(text, **_):
    sys.stdout.write(f"{{gc.isenabled()}} {{gc.get_freeze_count() > 10_000}} {{'rich.console' in sys.modules}}\\n")
    sys.stdout.flush()
    builtins.print = lambda *_, **__: None

builtins.print = greet
sys.argv = {words}
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("twinfront_server.cli", ["twinfront", "serve", "--metrics-listen=none"]),
        ("localtwins.__main__", ["localtwins", "serve", "--http"]),
    ],
)
def test_a_server_that_serves_collects_garbage_and_leaves_alone_what_was_loaded(module: str, words: list[str]) -> None:
    program = _SERVE.format(module=module, words=[*words, "--listen=127.0.0.1:0", "--data-dir=:memory:"])
    server = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment())
    with server:
        assert server.stdout
        greeting = server.stdout.readline()
        server.terminate()
    assert greeting == "True True False\n"
    assert server.returncode == 0
