"""The examples against a server that speaks TLS and lets in only callers with a certificate."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.rpc.serving import process
from tests.rpc.serving.certificates import Authority

from . import program


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def served(authority: Authority, tmp_path: Path) -> Iterator[process.ServedProcess]:
    server = authority.issue()
    words = [f"--tls-cert={server.cert}", f"--tls-key={server.key}", f"--tls-client-ca={authority.cert}"]
    served = process.start(tmp_path, words, {})
    yield served
    served.end()


@pytest.mark.parametrize("name", ["manage_twins.py", "load_graph.py"])
def test_a_caller_with_a_certificate_is_let_in(
    name: str, served: process.ServedProcess, authority: Authority, tmp_path: Path
):
    caller = authority.issue("caller")
    words: list[str | Path] = ["--tls-ca", authority.cert, "--tls-cert", caller.cert, "--tls-key", caller.key]
    if name == "load_graph.py":
        graph = tmp_path / "graph.ndjson"
        graph.write_text('{"Section": "Header"}\n')
        words.append(graph)
    finished = program.run(name, "--address", served.address, *words)
    assert (finished.returncode, finished.stderr) == (0, "")


def test_a_caller_without_a_certificate_is_told_that_nobody_answers(
    served: process.ServedProcess, authority: Authority
):
    finished = program.run("manage_twins.py", "--address", served.address, "--tls-ca", authority.cert)
    assert finished.returncode == 1
    assert finished.stderr.startswith("No server answers there")


@pytest.mark.parametrize("name", ["manage_twins.py", "load_graph.py"])
def test_a_certificate_without_its_key_is_refused(name: str, tmp_path: Path):
    graph = tmp_path / "graph.ndjson"
    graph.write_text('{"Section": "Header"}\n')
    words = [graph] if name == "load_graph.py" else []
    finished = program.run(name, "--tls-cert", "caller.pem", *words)
    assert finished.returncode != 0
    assert "cert and key go together" in finished.stderr
    assert "Traceback" not in finished.stderr
