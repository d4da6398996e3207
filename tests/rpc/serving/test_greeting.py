"""What a started server tells a person: lines to try next, which work as they stand."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engine import needs_tls
from tests.rpc.access.issuer import Issuer

from .certificates import Authority
from .process import ServedProcess, environment

CHECKOUT = Path(__file__).resolve().parents[3]
BUF = Path(sys.executable).with_name("buf")

Serve = Callable[..., ServedProcess]


def suggestions(served: ServedProcess) -> list[str]:
    lines = served.stdout.read_text().splitlines()
    return [line.strip() for line in lines[lines.index("Try next:") + 1 :] if line]


def paste(line: str) -> subprocess.CompletedProcess[str]:
    """Runs a line as a person would who stands in the checkout."""
    return subprocess.run(
        shlex.split(line), cwd=CHECKOUT, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


def test_the_address_is_the_real_one(serve: Serve) -> None:
    served = serve()
    assert served.port != "0"
    for line in suggestions(served)[:3]:
        assert served.address in line


def test_the_greeting_of_a_server_in_the_clear_has_a_line_that_works(serve: Serve) -> None:
    grpcurl, buf, example, curl = suggestions(serve())
    assert grpcurl.startswith("grpcurl -plaintext 127.0.0.1:")
    assert grpcurl.endswith(" twinfront.v1.ModelService/ListModels")
    assert "buf curl --protocol grpc --http2-prior-knowledge http://127.0.0.1:" in buf
    assert "python clients/python/examples/manage_twins.py --address 127.0.0.1:" in example
    assert curl.startswith("curl http://127.0.0.1:")


@needs_tls
def test_the_greeting_of_a_server_with_tls_has_a_line_that_works(serve: Serve, tmp_path: Path) -> None:
    issued = Authority(tmp_path).issue()
    served = serve("--tls-cert", issued.cert, "--tls-key", issued.key)
    grpcurl, buf, example, _ = suggestions(served)
    assert grpcurl.startswith(f"grpcurl -cacert {issued.cert} ")
    assert f"--cacert {issued.cert} https://{served.address}/" in buf
    assert example.endswith(f" --tls-ca {issued.cert}")


def test_an_address_for_all_interfaces_is_reached_by_loopback(serve: Serve) -> None:
    served = serve("--listen=0.0.0.0:0", "--insecure", "--auth=none")
    assert f"-plaintext 127.0.0.1:{served.port} " in suggestions(served)[0]


def test_without_reflection_tools_that_need_it_are_left_out(serve: Serve) -> None:
    lines = suggestions(serve("--no-reflection"))
    assert [Path(line.partition(" ")[0]).name for line in lines] == ["python", "curl"]


@pytest.mark.parametrize("over_tls", [False, pytest.param(True, marks=needs_tls)])
def test_the_line_for_buf_works(serve: Serve, tmp_path: Path, over_tls: bool) -> None:
    issued = Authority(tmp_path).issue()
    served = serve("--sample", *(["--tls-cert", issued.cert, "--tls-key", issued.key] if over_tls else []))
    answer = paste(suggestions(served)[1])
    assert answer.returncode == 0, answer.stderr
    assert '"models"' in answer.stdout


def test_the_line_for_buf_works_with_a_token_where_one_is_asked_for(serve: Serve) -> None:
    with Issuer() as issuer:
        served = serve(*(f"--{name.replace('_', '-')}={value}" for name, value in issuer.settings().items()))
        line = suggestions(served)[1]
        answer = paste(line.replace("TOKEN", issuer.token(roles=["reader"])))
        assert answer.returncode == 0, answer.stderr
        assert paste(line).returncode != 0


@pytest.mark.parametrize("over_tls", [False, pytest.param(True, marks=needs_tls)])
def test_the_line_for_the_example_works(serve: Serve, tmp_path: Path, over_tls: bool) -> None:
    issued = Authority(tmp_path).issue()
    served = serve(*(["--tls-cert", issued.cert, "--tls-key", issued.key] if over_tls else []))
    answer = paste(suggestions(served)[2])
    assert answer.returncode == 0, answer.stdout + answer.stderr
