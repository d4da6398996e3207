"""The names of the generated certificate, from the command line to what a client accepts."""

import asyncio
import ssl
from pathlib import Path

from .serving import Server, serving


async def is_taken_for(server: Server, authority: Path, name: str) -> bool:
    """True if a client that looks for this name goes on after the handshake."""
    context = ssl.create_default_context(cafile=str(authority))
    try:
        _, writer = await asyncio.open_connection(
            server.url.partition("//")[2].rpartition(":")[0], server.port, ssl=context, server_hostname=name
        )
    except ssl.SSLCertVerificationError:
        return False
    writer.close()
    return True


async def test_names_can_be_added_and_trust_is_kept(tmp_path: Path):
    authority = tmp_path / "tls" / "ca.pem"
    async with serving("--data-dir", str(tmp_path)) as server:
        trusted = authority.read_bytes()
        assert await is_taken_for(server, authority, "localhost")
        assert not await is_taken_for(server, authority, "localtwins")
    async with serving("--data-dir", str(tmp_path), "--tls-name", "localtwins", "--tls-name", "192.0.2.7") as server:
        assert authority.read_bytes() == trusted
        for name in ("localtwins", "192.0.2.7", "localhost"):
            assert await is_taken_for(server, authority, name)
        assert not await is_taken_for(server, authority, "other")


async def test_a_variable_has_several_names_with_commas_between(tmp_path: Path):
    async with serving("--data-dir", str(tmp_path), LOCALTWINS_TLS_NAME="twins.example, vm") as server:
        for name in ("twins.example", "vm"):
            assert await is_taken_for(server, tmp_path / "tls" / "ca.pem", name)


async def test_the_host_that_the_server_listens_on_is_in_its_certificate(tmp_path: Path):
    async with serving("--data-dir", str(tmp_path), "--listen", "127.9.8.7:0") as server:
        assert server.url.startswith("https://127.9.8.7:")
        assert await is_taken_for(server, tmp_path / "tls" / "ca.pem", "127.9.8.7")
        assert not await is_taken_for(server, tmp_path / "tls" / "ca.pem", "127.9.8.6")


async def test_a_wildcard_is_no_name(tmp_path: Path):
    async with serving("--data-dir", str(tmp_path), "--listen", "0.0.0.0:0") as server:
        assert not await is_taken_for(server, tmp_path / "tls" / "ca.pem", "0.0.0.0")
        assert await is_taken_for(server, tmp_path / "tls" / "ca.pem", "127.0.0.1")
