"""`--listen unix:PATH`: a server that this machine alone reaches, by a file."""

import os
import signal
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.engine import needs_tls

from twinfront import DeadlineExceededError, DigitalTwin, TlsConfig, TwinfrontClient
from twinfront_server.settings import Settings

from .certificates import Authority
from .process import ServedProcess, run
from .test_greeting import paste, suggestions
from .test_startup import FAILURE, WRONG_USE, refusal

Serve = Callable[..., ServedProcess]

MODEL = {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:test:Room;1", "@type": "Interface"}


@pytest.fixture
def path() -> Iterator[Path]:
    """A path for a socket, as short as it has to be wherever tests keep their files."""
    with tempfile.TemporaryDirectory(prefix="twinfront-") as folder:
        yield Path(folder, "twinfront.sock")


def rights(path: Path) -> str:
    return stat.filemode(path.lstat().st_mode)


def use(client: TwinfrontClient) -> None:
    """Makes calls of each kind: a stream of requests, one answer, and a stream of answers."""
    twin = DigitalTwin(id="by-a-socket", model_id="dtmi:test:Room;1")
    assert client.import_graph([MODEL, twin]).run().progress.failed == 0
    assert client.get_digital_twin("by-a-socket").id == "by-a-socket"
    assert [row["$dtId"] for row in client.stream_query("SELECT * FROM digitaltwins")] == ["by-a-socket"]


def test_clients_call_over_a_unix_socket(serve: Serve, path: Path) -> None:
    served = serve(f"--listen=unix:{path}")
    assert served.address == f"unix:{path}"
    for target in (f"unix:{path}", f"unix://{path}"):
        with TwinfrontClient(target) as client:
            use(client)


@needs_tls
def test_a_unix_socket_speaks_tls_where_there_is_a_certificate(serve: Serve, path: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue()
    served = serve(f"--listen=unix:{path}", "--tls-cert", issued.cert, "--tls-key", issued.key)
    with TwinfrontClient(served.address, tls=TlsConfig(ca=authority.cert, server_name="localhost")) as client:
        use(client)
    with TwinfrontClient(served.address) as client, pytest.raises(DeadlineExceededError, match="not be reachable"):
        client.get_digital_twin("by-a-socket", timeout=1)


def test_a_path_in_the_folder_of_the_server_is_a_place_too(serve: Serve, path: Path) -> None:
    relative = os.path.relpath(path)
    assert serve(f"--listen=unix:{relative}").address == f"unix:{relative}"
    with TwinfrontClient(f"unix:{path}") as client:
        use(client)


def test_the_socket_belongs_to_the_user_of_the_server_alone(serve: Serve, path: Path) -> None:
    serve(f"--listen=unix:{path}")
    assert rights(path) == "srw-------"


def test_a_mode_lets_others_connect(serve: Serve, path: Path) -> None:
    before = os.umask(0o077)
    try:
        serve(f"--listen=unix:{path}", "--socket-mode=660")
    finally:
        os.umask(before)
    assert rights(path) == "srw-rw----"


def test_other_files_of_the_server_keep_the_rights_that_its_user_gives(serve: Serve, path: Path) -> None:
    data = path.with_name("data")
    with TwinfrontClient(serve(f"--listen=unix:{path}", f"--data-dir={data}", "--socket-mode=777").address) as client:
        use(client)
    assert all(each.stat().st_mode & 0o002 == 0 for each in data.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_socket_is_gone_when_the_server_is(serve: Serve, path: Path, number: signal.Signals) -> None:
    served = serve(f"--listen=unix:{path}")
    served.signal(number)
    assert served.exit_code() == 0
    assert not path.exists()


def test_what_a_killed_server_left_is_in_nobodys_way(serve: Serve, path: Path) -> None:
    killed = serve(f"--listen=unix:{path}")
    killed.signal(signal.SIGKILL)
    killed.exit_code()
    assert path.is_socket()
    with TwinfrontClient(serve(f"--listen=unix:{path}").address) as client:
        use(client)


def test_a_socket_that_another_server_serves_is_left_to_it(serve: Serve, path: Path) -> None:
    served = serve(f"--listen=unix:{path}")
    assert f"cannot listen on unix:{path} (--listen): Address already in use" in refusal(
        FAILURE, f"--listen=unix:{path}"
    )
    with TwinfrontClient(served.address) as client:
        use(client)


def test_a_socket_of_a_server_that_is_behind_is_left_to_it(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(0)
        with socket.socket(socket.AF_UNIX) as waiting, socket.socket(socket.AF_UNIX) as another:
            for each in (waiting, another):
                each.setblocking(False)
                each.connect_ex(str(path))
            assert "Address already in use" in refusal(FAILURE, f"--listen=unix:{path}")
    assert path.is_socket()


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("/dev/null")])
def test_a_file_that_is_no_socket_is_left_alone(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    assert f"unix:{path} (--listen): a file is there that is no socket" in refusal(FAILURE, f"--listen=unix:{path}")
    assert path.lstat()


def test_a_folder_that_is_not_there_is_named(path: Path) -> None:
    place = path.parent / "none" / "twinfront.sock"
    assert f"unix:{place} (--listen): there is no folder {place.parent}" in refusal(FAILURE, f"--listen=unix:{place}")


@pytest.mark.parametrize("mode", ["1777", "rw", "", "0o660", "68", "0868"])
def test_a_mode_that_is_none_is_refused(path: Path, mode: str) -> None:
    line = refusal(WRONG_USE, f"--listen=unix:{path}", f"--socket-mode={mode}")
    assert "--socket-mode" in line
    assert "three octal digits" in line


def test_a_mode_without_a_socket_is_told_to_have_no_effect() -> None:
    assert Settings.load({"socket_mode": "660"}).warnings() == ["--socket-mode: no effect without --listen unix:PATH"]
    assert Settings.load({"socket_mode": "660", "listen": "unix:/run/twinfront.sock"}).warnings() == []


def test_a_unix_socket_needs_no_word_about_who_may_call(serve: Serve, path: Path) -> None:
    served = serve(f"--listen=unix:{path}")
    assert "everybody on this machine who may write to the socket" in served.stdout.read_text()
    assert "replicas share none of it" not in served.log()


def test_the_lines_of_the_greeting_work_over_a_unix_socket(serve: Serve, path: Path) -> None:
    grpcurl, buf, example, _ = suggestions(serve("--sample", f"--listen=unix:{path}"))
    assert grpcurl == f"grpcurl -plaintext -unix {path} twinfront.v1.ModelService/ListModels"
    answer = paste(buf)
    assert answer.returncode == 0, answer.stderr
    assert '"models"' in answer.stdout
    answer = paste(example)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_healthcheck_asks_at_a_unix_socket(serve: Serve, path: Path) -> None:
    served = serve(f"--listen=unix:{path}")
    assert run("healthcheck", "--address", served.address).stdout == "SERVING\n"
    assert run("healthcheck", TWINFRONT_LISTEN=served.address).stdout == "SERVING\n"


def test_the_doctor_tells_what_is_in_the_way_of_a_socket(serve: Serve, path: Path) -> None:
    words = ("doctor", f"--listen=unix:{path}", "--metrics-listen=none", "--data-dir=:memory:")
    assert f"unix:{path} is free" in run(*words).stdout
    served = serve(f"--listen=unix:{path}")
    assert "Address already in use" in run(*words).stdout
    served.signal(signal.SIGKILL)
    served.exit_code()
    assert "is free, but for what a server left that was killed" in run(*words).stdout
    assert path.is_socket()
    path.unlink()
    path.touch()
    done = run(*words)
    assert (done.returncode, "a file is there that is no socket" in done.stdout) == (1, True)


def test_callers_over_a_unix_socket_stand_in_the_log_as_such(serve: Serve, path: Path) -> None:
    served = serve(f"--listen=unix:{path}", "--log-level=info")
    with TwinfrontClient(served.address) as client:
        use(client)
    served.signal()
    served.exit_code()
    assert '"peer": "unix:' in served.log() or '"peer":"unix:' in served.log()
