"""The variables for clients: where they stand, what a shell makes of them, and the files that they name."""

import asyncio
import os
import shutil
import signal
import ssl
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from localtwins.certificate import development_certificate
from localtwins.identity import trust
from localtwins.identity.secret import kept_secret
from localtwins.identity.trust import STORE_PASSWORD, write_trust_files
from localtwins.identity.variables import as_shell, client_variables
from localtwins.serve import serve
from localtwins.settings import Settings
from twinfront_program.log import library_logger

from ..serving import refused, serving, sourced
from .conftest import Identity

NAMES = {
    "ADT_SERVICE_URL",
    "AZURE_DIGITALTWINS_URL",
    "AZURE_URL",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "JAVA_TOOL_OPTIONS",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
}


async def test_a_shell_that_sources_the_file_has_the_variables(identity: Identity):
    assert set(identity.variables) == NAMES
    for name in ("ADT_SERVICE_URL", "AZURE_DIGITALTWINS_URL", "AZURE_URL"):
        assert identity.variables[name] == identity.server.url
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
        assert Path(identity.variables[name]).is_absolute()
        assert Path(identity.variables[name]).is_file()


async def test_the_file_is_the_owners_alone_and_goes_when_the_server_stops(tmp_path: Path):
    file = tmp_path / "local.env"
    async with serving("--data-dir", ":memory:", "--identity", "127.0.0.1:0", "--env-file", str(file)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        authority = (await sourced(file))["NODE_EXTRA_CA_CERTS"]
        assert Path(authority).exists()
    assert not file.exists()
    assert not Path(authority).exists()


async def test_the_variables_are_printed_where_no_file_is_asked_for(tmp_path: Path):
    async with serving("--data-dir", str(tmp_path), "--identity", "127.0.0.1:0") as server:
        assert server.process.stdout
        printed = server.announcement.splitlines()[4:]
        while len(printed) < len(NAMES) + 1:
            printed.append((await server.process.stdout.readline()).decode().rstrip("\n"))
    file = tmp_path / "copied.env"
    file.write_text("\n".join(line for line in printed if line.startswith("export ")))
    assert set(await sourced(file)) == NAMES


async def test_the_variables_stay_good_after_a_restart_on_the_same_ports(tmp_path: Path):
    file = tmp_path / "local.env"
    seen = []
    for _ in range(2):
        words = ["--data-dir", str(tmp_path), "--identity", "127.0.0.1:0", "--env-file", str(file)]
        async with serving(*words):
            variables = await sourced(file)
            seen.append((variables["IDENTITY_HEADER"], Path(variables["NODE_EXTRA_CA_CERTS"]).read_bytes()))
    assert seen[0] == seen[1]


async def test_a_server_on_all_addresses_is_told_by_one_that_can_be_connected_to(tmp_path: Path):
    file = tmp_path / "local.env"
    words = ["--listen", "0.0.0.0:0", "--identity", "0.0.0.0:0", "--insecure-identity", "--env-file", str(file)]
    async with serving("--data-dir", str(tmp_path), *words) as server:
        variables = await sourced(file)
    assert variables["AZURE_DIGITALTWINS_URL"] == f"https://127.0.0.1:{server.port}"
    assert variables["IDENTITY_ENDPOINT"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--identity", "nowhere"], "--identity: 'nowhere' is no address to listen on"),
        (["--identity", "0.0.0.0:0"], "--insecure-identity"),
        (["--identity", "192.0.2.7:0"], "--insecure-identity"),
        (["--identity", "[::]:0"], "--identity [::]:0 lets other machines"),
        (["--identity", "127.0.0.1:0", "--http"], "--identity needs HTTPS"),
        (["--env-file", "x.env"], "--env-file is for the variables of --identity"),
    ],
)
async def test_settings_of_identity_that_do_not_go_together_are_refused(
    tmp_path: Path, arguments: list[str], words: str
):
    status, text = await refused("--data-dir", str(tmp_path), *arguments)
    assert (status, words in text, "Traceback" in text) == (2, True, False), text


async def test_a_file_of_variables_that_cannot_be_written_is_told(tmp_path: Path):
    words = ["--identity", "127.0.0.1:0", "--env-file", "/nowhere/x.env"]
    status, text = await refused("--data-dir", str(tmp_path), *words)
    assert (status, "--env-file /nowhere/x.env cannot be written" in text, "Traceback" in text) == (1, True, False)


async def test_a_port_that_is_taken_is_told(identity: Identity, tmp_path: Path):
    port = identity.endpoint.split(":")[2].partition("/")[0]
    status, text = await refused("--data-dir", str(tmp_path / "other"), "--identity", f"127.0.0.1:{port}")
    assert (status, "Choose another --identity" in text, "Traceback" in text) == (1, True, False), text


def test_values_with_anything_in_them_reach_the_shell_as_they_are():
    value = "a b'c\"d$e`f\\g*"
    text = as_shell({"ODD": value})
    printed = subprocess.run(["sh", "-c", text + 'printf %s "$ODD"'], capture_output=True, text=True, check=True)
    assert printed.stdout == value


def test_with_a_certificate_of_ones_own_there_is_nothing_to_trust():
    variables = client_variables("https://twins", "http://identity", "secret", None)
    assert set(variables) == NAMES - {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "JAVA_TOOL_OPTIONS"}


def test_files_of_authorities_have_the_usual_authorities_besides_ours(tmp_path: Path):
    authority = development_certificate(tmp_path).authority
    files = write_trust_files(authority)
    assert files.bundle.read_bytes().startswith(authority.read_bytes())
    bundled = ssl.create_default_context(cafile=str(files.bundle))
    assert len(bundled.get_ca_certs()) > 100
    stored = load_pkcs12(files.java_store.read_bytes(), STORE_PASSWORD.encode())
    assert len(stored.additional_certs) > 100
    assert any("localtwins" in each.certificate.subject.rfc4514_string() for each in stored.additional_certs)


def test_a_file_of_authorities_has_ours_where_there_are_no_usual_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trust, "_usual_authorities", lambda: b"")
    files = write_trust_files(development_certificate(tmp_path).authority)
    assert files.bundle.read_bytes() == files.authority.read_bytes()
    assert len(load_pkcs12(files.java_store.read_bytes(), STORE_PASSWORD.encode()).additional_certs) == 1


def test_java_reads_the_trust_store(tmp_path: Path):
    if shutil.which("keytool") is None:
        pytest.skip("keytool is not installed")
    folder = tmp_path / "a folder"
    folder.mkdir()
    files = write_trust_files(development_certificate(folder).authority)
    command = ["keytool", "-list", "-keystore", str(files.java_store), "-storepass", STORE_PASSWORD]
    listed = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}, check=True)
    assert listed.stdout.count("trustedCertEntry") > 100


@pytest.mark.parametrize("kept", [b"", b"short", b"two\nlines of what was a secret", b"x" * 1000])
def test_a_file_without_a_secret_gets_one(tmp_path: Path, kept: bytes):
    file = tmp_path / "secret"
    file.write_bytes(kept)
    secret = kept_secret(file)
    assert len(secret) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kept_secret(file) == secret
    assert kept_secret(tmp_path / "another") != secret


async def test_with_a_certificate_of_ones_own_tokens_are_there_all_the_same(tmp_path: Path):
    own = development_certificate(tmp_path / "own")
    file = tmp_path / "local.env"
    settings = Settings(
        listen="127.0.0.1:0",
        data_dir=":memory:",
        tls_cert=str(own.chain),
        tls_key=str(own.key),
        identity="127.0.0.1:0",
        env_file=str(file),
    )
    seen: list[str] = []

    def announce(_line: str) -> None:
        if not seen:
            seen.append(file.read_text())
            signal.raise_signal(signal.SIGTERM)

    await asyncio.wait_for(serve(settings, announce, library_logger(__name__)), 20)
    assert "export IDENTITY_ENDPOINT=http://127.0.0.1:" in seen[0]
    assert "CA_BUNDLE" not in seen[0]
