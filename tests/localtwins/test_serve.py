"""`localtwins serve`: settings, start-up errors, HTTP's own rules, and a clean end."""

import asyncio
import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from localtwins import LocalTwins, Settings, StartupError
from localtwins.cli import main

from .adt import MACHINE_TWIN, MODELS
from .serving import Server, refused, serving, start

QUERY = "?api-version=2023-10-31"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly(tmp_path: Path, signum: int):
    server = await start("--http", "--data-dir", str(tmp_path))
    assert await server.stop(signum) == 0


async def test_answers_are_kept_from_one_run_to_the_next(tmp_path: Path):
    async with (
        serving("--http", "--data-dir", str(tmp_path / "new" / "dir")) as server,
        aiohttp.ClientSession() as http,
    ):
        async with http.post(f"{server.url}/models{QUERY}", json=MODELS) as answer:
            assert answer.status == 201
        async with http.put(f"{server.url}/digitaltwins/m{QUERY}", json=MACHINE_TWIN) as answer:
            twin = await answer.json()
    async with (
        serving("--http", LOCALTWINS_DATA_DIR=str(tmp_path / "new" / "dir")) as server,
        aiohttp.ClientSession() as http,
        http.get(f"{server.url}/digitaltwins/m{QUERY}") as answer,
    ):
        assert (await answer.json(), answer.headers["ETag"]) == (twin, twin["$etag"])


@pytest.fixture
async def memory_server() -> AsyncIterator[Server]:
    async with serving("--http", "--data-dir", ":memory:", LOCALTWINS_MAX_REQUEST_BYTES="2000") as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_errors_over_http_have_the_services_headers(memory_server: Server, http: aiohttp.ClientSession):
    async with http.delete(f"{memory_server.url}/digitaltwins/m{QUERY}") as answer:
        assert answer.status == 404
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert answer.headers["x-ms-error-code"] == "DigitalTwinNotFound"


async def test_an_empty_answer_has_no_content_type(memory_server: Server, http: aiohttp.ClientSession):
    async with http.post(f"{memory_server.url}/models{QUERY}", json=MODELS[:1]) as answer:
        assert answer.status == 201
    async with http.delete(f"{memory_server.url}/models/dtmi%3Atest%3ASensor%3B1{QUERY}") as answer:
        assert (answer.status, answer.headers.get("Content-Type"), await answer.read()) == (204, None, b"")


async def test_an_encoded_slash_stays_in_the_id(memory_server: Server, http: aiohttp.ClientSession):
    async with http.put(URL(f"{memory_server.url}/digitaltwins/a%2Fb{QUERY}", encoded=True), json={}) as answer:
        assert "'a/b'" in (await answer.json())["error"]["message"]


async def test_a_body_that_is_too_large_is_refused(memory_server: Server, http: aiohttp.ClientSession):
    async with http.put(f"{memory_server.url}/digitaltwins/m{QUERY}", data=b"x" * 2001) as answer:
        assert answer.status == 413
        assert (await answer.json())["error"]["code"] == "RequestBodyTooLarge"


async def test_links_lead_back_to_the_server(memory_server: Server, http: aiohttp.ClientSession):
    await http.post(f"{memory_server.url}/models{QUERY}", json=MODELS[:2])
    async with http.get(f"{memory_server.url}/models{QUERY}", headers={"max-items-per-page": "1"}) as answer:
        link = (await answer.json())["nextLink"]
    assert link.startswith(f"{memory_server.url}/Models?")
    async with http.get(link) as answer:
        assert len((await answer.json())["value"]) == 1


@pytest.mark.parametrize("words", [["--http"], []], ids=["http", "https"])
async def test_an_answer_that_is_to_be_lost_ends_the_connection_with_a_reset(words: list[str], tmp_path: Path):
    async with (
        serving(*words, "--data-dir", str(tmp_path), "--inject", "lost") as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as http,
    ):
        with pytest.raises(aiohttp.ClientOSError) as lost:
            await http.get(f"{server.url}/digitaltwins/m{QUERY}")
        assert lost.value.errno == errno.ECONNRESET


async def test_requests_under_way_are_answered_before_the_end(tmp_path: Path):
    async with serving("--http", "--data-dir", str(tmp_path)) as server, aiohttp.ClientSession() as http:
        async with http.post(f"{server.url}/models{QUERY}", json=MODELS):
            pass

        async def put(number: int) -> int:
            async with http.put(f"{server.url}/digitaltwins/m{number}{QUERY}", json=MACHINE_TWIN) as answer:
                return answer.status

        writes = [asyncio.ensure_future(put(number)) for number in range(30)]
        await asyncio.sleep(0.02)
        assert await server.stop() == 0
        results = await asyncio.gather(*writes, return_exceptions=True)
    service = await LocalTwins.open(tmp_path)
    await service.close()
    rows = sqlite3.connect(tmp_path / "localtwins.db").execute("SELECT count(*) FROM digital_twins").fetchone()
    assert rows[0] >= results.count(200)


async def test_a_data_dir_in_use_is_refused(tmp_path: Path):
    async with serving("--http", "--data-dir", str(tmp_path)) as server:
        status, text = await refused("--http", "--data-dir", str(tmp_path))
        assert status == 1
        assert text == (
            f"localtwins serve: The data directory {tmp_path} is in use by another process "
            f"(process {server.process.pid}). Stop it, or choose another directory with --data-dir.\n"
        )


async def test_a_data_dir_is_free_after_a_crash(tmp_path: Path):
    server = await start("--http", "--data-dir", str(tmp_path))
    server.process.kill()
    await server.process.wait()
    service = await LocalTwins.open(tmp_path)
    await service.close()


async def test_a_data_dir_is_opened_once_within_one_process(tmp_path: Path):
    service = await LocalTwins.open(tmp_path)
    with pytest.raises(StartupError, match="in use"):
        await LocalTwins.open(tmp_path)
    await service.close()
    await (await LocalTwins.open(tmp_path)).close()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path):
    (tmp_path / "localtwins.db").write_bytes(b"not a database" * 1000)
    for _ in range(2):
        with pytest.raises(StartupError, match="cannot be opened: file is not a database"):
            await LocalTwins.open(tmp_path)
    status, text = await refused("--http", "--data-dir", str(tmp_path))
    assert (status, "Traceback" in text) == (1, False)


async def test_another_applications_database_is_refused_and_left_alone(tmp_path: Path):
    with sqlite3.connect(tmp_path / "localtwins.db") as foreign:
        foreign.execute("CREATE TABLE bookmarks (url TEXT)")
    foreign.close()
    before = (tmp_path / "localtwins.db").read_bytes()
    with pytest.raises(StartupError, match="another application"):
        await LocalTwins.open(tmp_path)
    assert (tmp_path / "localtwins.db").read_bytes() == before


async def test_a_database_of_a_later_version_is_refused(tmp_path: Path):
    await (await LocalTwins.open(tmp_path)).close()
    with sqlite3.connect(tmp_path / "localtwins.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StartupError, match="later version"):
        await LocalTwins.open(tmp_path)


async def test_a_truncated_database_is_refused(tmp_path: Path):
    service = await LocalTwins.open(tmp_path)
    await service.close()
    os.truncate(tmp_path / "localtwins.db", 3000)
    with pytest.raises(StartupError, match="cannot be opened"):
        await LocalTwins.open(tmp_path)


async def test_a_data_dir_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match="cannot be used"):
        await LocalTwins.open(tmp_path / "file")


@pytest.fixture
def unwritable(tmp_path: Path) -> Path:
    tmp_path.chmod(0o500)
    return tmp_path


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_data_dir_that_cannot_be_written_is_refused(unwritable: Path):
    with pytest.raises(StartupError, match="Permission denied"):
        await LocalTwins.open(unwritable)


async def test_a_port_in_use_is_refused(tmp_path: Path):
    async with serving("--http", "--data-dir", ":memory:") as server:
        status, text = await refused("--http", "--data-dir", str(tmp_path), "--listen", f"127.0.0.1:{server.port}")
        assert (status, "Cannot listen on" in text, "Traceback" in text) == (1, True, False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--listen", "nowhere"], "--listen: 'nowhere' is no address to listen on"),
        (["--listen", "127.0.0.1:70000"], "--listen: '127.0.0.1:70000' is no address to listen on"),
        (["--tls-cert", "x.pem"], "--tls-cert needs --tls-key"),
        (["--tls-key", "y.pem"], "--tls-key needs --tls-cert"),
        (["--tls-cert", "x.pem", "--tls-key", "y.pem", "--tls-name", "vm"], "--tls-name is for the certificate that"),
        (["--http", "--tls-cert", "x.pem", "--tls-key", "y.pem"], "--tls-cert is for HTTPS, which --http turns off"),
        (["--http", "--tls-name", "vm"], "--tls-name is for HTTPS, which --http turns off"),
        (["--insecure-identity"], "--insecure-identity is for --identity, which is missing"),
        (["--storage-connection-string", "AccountKey=k"], "--storage-connection-string is for an account in"),
        (["--tls-name", "two words"], "--tls-name: 'two words' is no host name"),
        (["--tls-name", "bücher.example"], "'bücher.example' is no host name"),
        (["--log-requests", "some"], "--log-requests: Input should be 'none', 'refused' or 'all'"),
        (["--max-twins", "many"], "--max-twins: Input should be a valid integer"),
        (["--max-twins", "-1"], "--max-twins: Input should be greater than or equal to 0"),
        (["--max-twin", "1"], "unrecognized arguments: --max-twin"),
        (["--endpoint", "a"], "--endpoint: an endpoint is NAME=TARGET, each name once, and not 'a'"),
    ],
)
async def test_settings_that_cannot_be_are_refused_in_one_line(tmp_path: Path, arguments: list[str], words: str):
    status, text = await refused("--data-dir", str(tmp_path), *arguments)
    assert (status, words in text, len(text.splitlines())) == (2, True, 1), text


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"LOCALTWINS_MAX_TWINS": "many"}, "LOCALTWINS_MAX_TWINS: Input should be a valid integer"),
        ({"LOCALTWINS_ENDPOINT": "a=file:b"}, "LOCALTWINS_ENDPOINT: endpoints in the environment are a JSON object"),
    ],
)
async def test_a_variable_that_cannot_be_is_refused_by_its_name(variables: dict[str, str], words: str):
    status, text = await refused("--data-dir", ":memory:", condition=None, **variables)
    assert (status, words in text, len(text.splitlines())) == (2, True, 1), text


async def test_a_certificate_that_is_not_there_is_told(tmp_path: Path):
    status, text = await refused("--data-dir", str(tmp_path), "--tls-cert", "x.pem", "--tls-key", "y.pem")
    assert (status, "The TLS certificate x.pem with key y.pem cannot be used" in text) == (1, True), text
    assert "Traceback" not in text


def test_a_secret_is_in_no_complaint_and_no_dump():
    secret = "AccountKey=secret"
    with pytest.raises(StartupError) as raised:
        Settings.load({"storage_connection_string": secret})
    assert secret not in str(raised.value)
    assert secret not in repr(Settings.load({"storage_connection_string": secret, "jobs_storage": "account"}))


async def test_a_broken_development_certificate_is_told(tmp_path: Path):
    async with serving("--data-dir", str(tmp_path)):
        pass
    (tmp_path / "tls" / "server.pem").write_text("broken")
    status, text = await refused("--data-dir", str(tmp_path))
    assert (status, "Delete it to have a new one" in text) == (1, True)
    shutil.rmtree(tmp_path / "tls")
    async with serving("--data-dir", str(tmp_path)):
        pass


def test_help_tells_flag_variable_and_default(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--max-twins N Most digital twins in the instance. [2000000] (LOCALTWINS_MAX_TWINS)" in text


def test_the_command_tells_its_version(capsys: pytest.CaptureFixture[str]):
    assert main(["version"]) == 0
    assert capsys.readouterr().out.strip()


def test_starting_without_the_front():
    code = (
        "import localtwins, localtwins.transport, sys\n"
        "assert not {'twinfront', 'twinfront_server', 'grpc'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
