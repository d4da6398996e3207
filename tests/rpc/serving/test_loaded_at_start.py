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
        "aiokafka",
        "azure.eventhub",
        "azure.identity",
        "azure.storage.blob",
        "cryptography",
        "cryptography.x509",
        "importlib.metadata",
        "jwt",
        "lark",
        "localtwins.dtdl.interface",
        "localtwins.dtdl.loading",
        "localtwins.dtdl.parsing",
        "localtwins.http_server",
        "hiredis",
        "localtwins.query.compiling",
        "pydantic",
        "twinfront._exports",
        "twinfront_server.graph.exporting",
        "twinfront_server.graph.importing",
        "yaml",
    ],
)
def test_a_server_loads_no_library_that_it_has_no_use_for_yet(loaded: set[str], module: str) -> None:
    assert "twinfront_server.upstream.local" in loaded
    assert module not in loaded


_LOAD_THE_REST = """
import gc, sys, threading
from twinfront_program import light_start
light_start.begin_start()
import localtwins.service, twinfront_server.serve
left = set(light_start._LATER) - set(sys.modules)
light_start._QUIET_SECONDS = 0.1
light_start.end_start()
frozen = gc.get_freeze_count()
[thread] = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]
thread.join()
print(*sorted(left), left <= set(sys.modules), gc.get_freeze_count() > frozen)
"""


def test_what_a_start_leaves_for_later_is_loaded_soon_after() -> None:
    printed = subprocess.run(
        [sys.executable, "-c", _LOAD_THE_REST], capture_output=True, text=True, check=True, timeout=60
    )
    assert printed.stdout.split() == [
        "cryptography.hazmat.primitives.ciphers.aead",
        "localtwins.dtdl.parsing",
        "localtwins.query.compiling",
        "twinfront_server.graph.exporting",
        "twinfront_server.graph.importing",
        "True",
        "True",
    ]


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
