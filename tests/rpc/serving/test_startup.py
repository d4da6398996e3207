"""Starting: what cannot work is told in one line, and nothing is served."""

import resource
import shlex
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.engine import needs_tls

from .certificates import Authority
from .process import COMMAND, ServedProcess, environment, run, wait_until

WRONG_USE, FAILURE = 2, 1


@pytest.fixture
def taken() -> Iterator[str]:
    """An address that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def refusal(exit_code: int, *words: str | Path, **variables: str) -> str:
    """Starts a server that must not start; returns the one line that it says."""
    defaults = ("--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0", "--data-dir=:memory:", "--log-level=error")
    ended = run("serve", *defaults, *(str(word) for word in words), **variables)
    assert ended.returncode == exit_code, ended.stderr
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("twinfront")
    return lines[0]


def test_a_port_in_use_is_refused(taken: str) -> None:
    line = refusal(FAILURE, "--listen", taken)
    assert f"cannot listen on {taken} (--listen): Address already in use" in line


def test_a_port_that_another_server_serves(serve: Callable[..., ServedProcess]) -> None:
    address = serve().address
    assert "Address already in use" in refusal(FAILURE, "--listen", address)


def test_a_metrics_port_in_use_is_refused(taken: str) -> None:
    line = refusal(FAILURE, "--metrics-listen", taken)
    assert f"cannot listen on {taken} (--metrics-listen): " in line
    assert "in use" in line


def test_an_address_of_another_machine() -> None:
    assert "Cannot assign requested address" in refusal(FAILURE, "--insecure", "--auth=none", "--listen=192.0.2.1:0")


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:50051", "twins.example:50051"])
def test_an_address_beyond_loopback_in_the_clear_is_refused(address: str) -> None:
    line = refusal(WRONG_USE, "--listen", address)
    assert f"--listen {address} would serve other machines in the clear" in line
    assert "--insecure" in line


def test_an_address_beyond_loopback_in_the_clear_can_be_asked_for_by_name(serve: Callable[..., ServedProcess]) -> None:
    assert serve("--listen=0.0.0.0:0", "--insecure", "--auth=none").address.startswith("0.0.0.0:")


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:50051"])
def test_an_address_beyond_loopback_for_whoever_calls_is_refused(address: str) -> None:
    line = refusal(WRONG_USE, "--insecure", "--listen", address)
    assert f"--listen {address} would serve whoever reaches it" in line
    assert "--auth none" in line


def test_twins_of_one_process_alone_are_not_served_to_other_machines_without_a_word(
    serve: Callable[..., ServedProcess],
) -> None:
    served = serve("--listen=0.0.0.0:0", "--insecure", "--auth=none")
    wait_until(lambda: '"serving"' in served.log())
    assert "replicas share none of it" in served.log()
    assert '"warning"' in served.log()
    quiet = serve()
    wait_until(lambda: '"serving"' in quiet.log())
    assert "replicas share none of it" not in quiet.log()


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["--tls-cert=a.pem"], "--tls-cert needs --tls-key"),
        (["--tls-key=a.key"], "--tls-key needs --tls-cert"),
        (["--tls-client-ca=ca.pem"], "--tls-client-ca needs --tls-cert and --tls-key"),
    ],
)
def test_flags_that_need_each_other(words: list[str], missing: str) -> None:
    assert missing in refusal(WRONG_USE, *words)


@needs_tls
def test_a_certificate_that_is_not_there_is_refused(tmp_path: Path) -> None:
    line = refusal(FAILURE, "--tls-cert", tmp_path / "none.pem", "--tls-key", tmp_path / "none.key")
    assert f"{tmp_path / 'none.pem'} cannot be read: No such file or directory" in line


@needs_tls
def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("not a certificate")
    (tmp_path / "cert.key").write_text("not a key")
    line = refusal(FAILURE, "--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "cert.key")
    assert "are not a PEM certificate and its unencrypted key" in line


@needs_tls
def test_a_certificate_with_the_key_of_another_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.issue("one"), authority.issue("other")
    assert "KEY_VALUES_MISMATCH" in refusal(FAILURE, "--tls-cert", one.cert, "--tls-key", other.key)


@needs_tls
def test_client_authorities_that_are_none(tmp_path: Path) -> None:
    issued = Authority(tmp_path).issue()
    (tmp_path / "ca.pem").write_text("nothing")
    words: list[str | Path] = [
        "--tls-cert",
        issued.cert,
        "--tls-key",
        issued.key,
        "--tls-client-ca",
        tmp_path / "ca.pem",
    ]
    assert f"{tmp_path / 'ca.pem'} holds no PEM certificates" in refusal(FAILURE, *words)


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert str(tmp_path / "data") in refusal(FAILURE, "--data-dir", tmp_path / "data")


def test_a_data_folder_that_another_server_has(serve: Callable[..., ServedProcess], tmp_path: Path) -> None:
    serve("--data-dir", tmp_path / "data")
    assert str(tmp_path / "data") in refusal(FAILURE, "--data-dir", tmp_path / "data")


def test_a_setting_that_is_not_sound() -> None:
    assert "--drain-grace: 'soon' is no duration" in refusal(WRONG_USE, "--drain-grace=soon")


def test_a_variable_that_is_not_sound() -> None:
    assert "twinfront serve: TWINFRONT_READ_RETRIES: " in refusal(WRONG_USE, TWINFRONT_READ_RETRIES="many")


def test_a_variable_of_the_embedded_service_that_is_not_sound() -> None:
    assert "LOCALTWINS_MAX_TWINS: Input should be a valid integer" in refusal(FAILURE, LOCALTWINS_MAX_TWINS="many")


def test_an_unknown_flag() -> None:
    assert "unrecognized arguments: --prot" in refusal(WRONG_USE, "--prot=1")


def test_an_unknown_variable_is_warned_about(serve: Callable[..., ServedProcess]) -> None:
    served = serve(TWINFRONT_DRAIN_GRASE="3s", LOCALTWINS_MAX_TWIN="3")
    assert "LOCALTWINS_MAX_TWIN is no setting of the server; did you mean LOCALTWINS_MAX_TWINS?" in served.log()
    assert "TWINFRONT_DRAIN_GRASE is no setting of the server; did you mean TWINFRONT_DRAIN_GRACE?" in served.log()


@pytest.mark.parametrize(
    "url",
    ["https://user:secretpw@twins.example", "https://secretpw@twins.example", "ftp://u:secretpw@x", "u:secretpw@x"],
)
def test_credentials_in_the_url_of_the_upstream_are_refused_and_not_repeated(url: str) -> None:
    line = refusal(WRONG_USE, "--upstream", url)
    assert "credentials in it" in line
    assert "secretpw" not in line


def test_too_few_open_files_end_the_start() -> None:
    command = f"ulimit -n 24; exec {shlex.join(COMMAND)} serve --listen=127.0.0.1:0 --data-dir=:memory:"
    ended = subprocess.run(
        ["sh", "-c", command], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == FAILURE
    assert ended.stderr == "twinfront: 24 files may be open (ulimit -n), and a server needs 64 or more\n"


def test_the_limit_of_open_files_is_raised_as_far_as_it_may_be(serve: Callable[..., ServedProcess]) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits = Path(f"/proc/{serve().process.pid}/limits").read_text()
    [line] = [line for line in limits.splitlines() if line.startswith("Max open files")]
    assert line.split()[3:5] == [str(hard), str(hard)]
