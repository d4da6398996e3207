"""The commands beside `serve`."""

import importlib.metadata
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from twinfront_server import __version__
from twinfront_server.settings import Settings

from .process import ServedProcess, environment, run


def test_the_command_tells_its_version() -> None:
    assert __version__ == importlib.metadata.version("twinfront")
    assert run("version").stdout == run("--version").stdout == f"{__version__}\n"


def test_a_command_that_tells_no_version_does_not_look_it_up() -> None:
    program = (
        "import sys, twinfront_server.cli as cli\n"
        "cli.parser_of('healthcheck')\n"
        "print('importlib.metadata' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "False\n"


def test_help_lists_the_commands() -> None:
    text = run("--help").stdout
    for command in ("serve", "healthcheck", "version"):
        assert f"\n    {command}" in text


def test_help_of_serve_has_every_setting() -> None:
    text = " ".join(run("serve", "--help").stdout.split())
    settings = Settings.describe()
    assert settings
    for setting in settings:
        assert setting.flag in text
        assert setting.variable in text


@pytest.mark.parametrize("words", [[], ["surve"], ["healthcheck", "--timeout=soon"]])
def test_a_wrong_call_is_told_in_one_line(words: list[str]) -> None:
    ended = run(*words)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1


def test_healthcheck_of_a_serving_server(serve: Callable[..., ServedProcess]) -> None:
    served = serve()
    for service in ([], ["--service=twinfront.v1.ModelService"]):
        asked = run("healthcheck", "--address", served.address, *service)
        assert (asked.returncode, asked.stdout, asked.stderr) == (0, "SERVING\n", "")


def test_healthcheck_of_an_unknown_service(serve: Callable[..., ServedProcess]) -> None:
    asked = run("healthcheck", "--address", serve().address, "--service=no.such.Service")
    assert asked.returncode == 1
    assert asked.stderr.startswith("NOT_FOUND: ")


def test_healthcheck_asks_where_the_server_of_its_environment_listens(serve: Callable[..., ServedProcess]) -> None:
    port = serve("--listen=0.0.0.0:0", "--insecure", "--auth=none").port
    assert run("healthcheck", TWINFRONT_LISTEN=f"0.0.0.0:{port}").returncode == 0


def test_healthcheck_without_a_server() -> None:
    asked = run("healthcheck", "--address=127.0.0.1:1", "--timeout=2")
    assert asked.returncode == 1
    assert len(asked.stderr.splitlines()) == 1


def test_healthcheck_with_a_file_that_is_not_there(tmp_path: Path) -> None:
    asked = run("healthcheck", "--tls-ca", str(tmp_path / "none.pem"))
    assert (asked.returncode, asked.stderr) == (
        1,
        f"{tmp_path / 'none.pem'} cannot be read: No such file or directory\n",
    )


@pytest.mark.parametrize("package", ["orjson", "grpc_health", "structlog", "azure"])
def test_with_the_client_alone_serve_says_what_to_install(package: str) -> None:
    program = (
        "import sys\n"
        f"sys.modules[{package!r}] = None\n"
        "from twinfront_server.cli import main\n"
        "raise SystemExit(main(['serve']))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr == "twinfront serve needs more than the client: pip install 'twinfront[server]'\n"
