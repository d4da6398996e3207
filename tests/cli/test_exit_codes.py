"""How commands end: exit codes by class of error, one line on stderr, and quietly when nobody reads on."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from tests.rpc.serving import process

from twinfront import errors
from twinfront._cli import exit_codes

from .conftest import BIN, Command

_ESTABLISHED = "01"

_HEEDING_INTERRUPTS = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_resource_that_is_missing_has_an_exit_code_of_its_own(twinfront: Command):
    assert twinfront("get", "room-001").returncode == 0
    ended = twinfront("get", "nothing")
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.startswith("twinfront get: [TWIN_NOT_FOUND] ")
    assert len(ended.stderr.splitlines()) == 1


def test_input_that_the_server_does_not_accept(twinfront: Command):
    ended = twinfront("query", "SELECT nonsense")
    assert ended.returncode == 2
    assert ended.stderr.startswith("twinfront query: [QUERY_INVALID] ")


def test_a_conflict_says_what_is_current(twinfront: Command):
    ended = twinfront("delete", "motion-01", "--detach", "--if-match", 'W/"of-yesterday"')
    assert ended.returncode == 4
    assert 'The current etag is W/"' in ended.stderr


def test_a_blocked_delete_names_the_blockers_and_the_way_out(twinfront: Command):
    ended = twinfront("delete", "room-001")
    assert ended.returncode == 4
    assert "  floor-0 ─hasRoom→ room-001 (hasRoom-room-001)\n" in ended.stderr
    assert "--detach" in ended.stderr


def test_one_twin_that_cannot_be_deleted_does_not_keep_the_others(twinfront: Command):
    ended = twinfront("delete", "nothing", "motion-01", "--detach", "--dry-run")
    assert (ended.returncode, ended.stdout) == (3, "motion-01 would be deleted with 1 relationship\n")


def test_a_server_that_is_not_there(twinfront: Command):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        ended = twinfront("get", "room-001", "--address", f"127.0.0.1:{taken.getsockname()[1]}", "--timeout", "2")
    assert ended.returncode == 5
    assert len(ended.stderr.splitlines()) == 1


@pytest.fixture
def throttled(tmp_path: Path) -> Iterator[str]:
    """The address of a server whose upstream throttles everything."""
    served = process.start(tmp_path, [], {"LOCALTWINS_INJECT": "throttle=1"})
    yield served.address
    served.end()


def test_throttling_has_an_exit_code_of_its_own(twinfront: Command, throttled: str):
    # Long enough for all tries of the client, so that it is not the time that ends the call.
    ended = twinfront("delete", "room-001", "--address", throttled, "--timeout", "60")
    assert ended.returncode == 6, ended.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "COMMAND"),
        (["get"], "TWIN"),
        (["get", "a", "--component", "x", "--incoming"], "not allowed with"),
        (["query", "SELECT 1", "-o", "yaml"], "yaml"),
        (["get", "a", "--timeout", "soon"], "--timeout"),
        (["get", "a", "--timeout", "0"], "argument --timeout: '0' is no number of seconds above 0"),
        (["query", "SELECT 1", "--limit", "0"], "argument --limit: '0' is no whole number from 1"),
        (["get", "a", "--timeout", "inf"], "--timeout"),
        (["get", "a", "--address", "twins.example.com:443"], "use tls, or insecure"),
        (["get", "a", "--address", "twins.example.com:443", "--insecure", "--token", "t"], "use tls"),
        (["get", "a", "--tls-ca", "nothing.pem"], "nothing.pem"),
        (["get", "a", "--tls-cert", "nothing.pem"], "cert and key go together"),
        (["get", "\udcff"], "twinfront get: "),
    ],
)
def test_a_wrong_call_is_told_in_one_line(twinfront: Command, words: list[str], told: str):
    ended = twinfront(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_reader_who_has_enough_ends_a_command_quietly(environment: dict[str, str]):
    command = f"{BIN}/twinfront query 'SELECT * FROM digitaltwins' -o json | head -c 1"
    ended = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.stdout, ended.stderr) == ("[", "")


def test_an_interrupt_ends_a_command_with_its_own_exit_code(environment: dict[str, str]):
    started = subprocess.Popen(
        # Whoever runs the tests in the background ignores the signal, and what they start would as well.
        [sys.executable, "-c", _HEEDING_INTERRUPTS, str(BIN / "twinfront"), "apply", "-"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdin is not None
    started.stdin.write('{"Section":"Twins"}\n')
    started.stdin.flush()
    process.wait_until(lambda: _has_connected(started.pid))
    started.send_signal(signal.SIGINT)
    out, err = started.communicate(timeout=30)
    assert started.returncode == 130
    assert "Traceback" not in err
    assert out == "nothing applied\n"


def _has_connected(pid: int) -> bool:
    """Whether a process has an open TCP connection, which it makes once it has begun its work."""
    files = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()]
    sockets = {file.removeprefix("socket:[").rstrip("]") for file in files if file.startswith("socket:[")}
    tables = [Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table]
    return any(row[3] == _ESTABLISHED and row[9] in sockets for row in rows)


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_error_has_an_exit_code_with_a_meaning(code: grpc.StatusCode):
    kind = errors._BY_CODE.get(code, errors.TwinfrontError)
    assert exit_codes.exit_code(kind("No.", code=code)) in exit_codes.MEANINGS


def test_the_commands_for_people_need_their_extra_and_say_so(environment: dict[str, str], tmp_path: Path):
    (tmp_path / "rich.py").write_text('raise ModuleNotFoundError("No module named rich", name="rich")\n')
    ended = subprocess.run(
        [str(BIN / "twinfront"), "get", "room-001"],
        env=environment | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == "twinfront get needs more than the client: pip install 'twinfront[cli]'\n"
