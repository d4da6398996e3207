"""Issuers and key files with which a server does not start, and what it says of them."""

import json
from pathlib import Path

import pytest

from twinfront_program.startup_error import StartupError
from twinfront_server.access import key_source
from twinfront_server.access.key_set import MAX_KEYS

from .conftest import guarded
from .issuer import DISCOVERY, KEYS, Answer, Issuer, SigningKey


async def complaint(**settings: object) -> str:
    with pytest.raises(StartupError) as raised:
        async with guarded(**settings):
            raise AssertionError
    return str(raised.value)


def document(content: object) -> Answer:
    return 200, {}, json.dumps(content).encode()


HTML: Answer = (200, {"Content-Type": "text/html"}, b"<html><body>Log in</body></html>")


@pytest.mark.parametrize(
    ("path", "answer", "told"),
    [
        (KEYS, HTML, "{url}/keys is no JSON object"),
        (KEYS, document([]), "{url}/keys is no JSON object"),
        (KEYS, document({}), '{url}/keys has no list "keys"'),
        (KEYS, document({"keys": {}}), '{url}/keys has no list "keys"'),
        (KEYS, document({"keys": []}), '{url}/keys has no key among its 0 "keys"'),
        (KEYS, document({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}), '{url}/keys has no key among its 1 "keys"'),
        (KEYS, document({"keys": [{}] * (MAX_KEYS + 1)}), '{url}/keys has 101 "keys", and 100 are looked at'),
        (KEYS, (404, {}, b""), "{url}/keys answers with status 404"),
        (KEYS, (302, {"Location": "https://elsewhere.example"}, b""), "{url}/keys answers with status 302"),
        (KEYS, (200, {}, b" " * (key_source.MAX_DOCUMENT + 1)), "{url}/keys is larger than 262144 bytes"),
        (KEYS, (200, {"Content-Length": "999"}, b"{}"), "{url}/keys cannot be reached"),
        (DISCOVERY, HTML, "{url}/.well-known/openid-configuration is no JSON object"),
        (DISCOVERY, (404, {}, b""), "{url}/.well-known/openid-configuration answers with status 404"),
        (
            DISCOVERY,
            document({"issuer": "https://elsewhere.example", "jwks_uri": "https://elsewhere.example/keys"}),
            "is of another issuer: its \"issuer\" is 'https://elsewhere.example', and not '{url}'",
        ),
        (DISCOVERY, document({}), 'is of another issuer: its "issuer" is None'),
    ],
)
async def test_what_an_issuer_answers_wrongly_is_named(issuer: Issuer, path: str, answer: Answer, told: str):
    issuer.answers[path] = answer
    said = await complaint(**issuer.settings())
    assert said.startswith("--jwt-issuer: ")
    assert told.format(url=issuer.url) in said


@pytest.mark.parametrize("place", [None, 7, "", "http://issuer.example/keys", "file:///etc/passwd", "//issuer.example"])
async def test_keys_that_anybody_on_the_way_could_replace_are_not_fetched(issuer: Issuer, place: object):
    issuer.answers[DISCOVERY] = document({"issuer": issuer.url, "jwks_uri": place})
    assert 'has no "jwks_uri" that is an https:// URL' in await complaint(**issuer.settings())


async def test_an_issuer_that_does_not_answer_ends_the_start(issuer: Issuer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(key_source, "FETCH_SECONDS", 0.2)
    issuer.released.clear()
    said = await complaint(**issuer.settings())
    assert said == f"--jwt-issuer: {issuer.url}{DISCOVERY} did not answer within 0.2 s"


async def test_an_issuer_that_is_not_there_ends_the_start():
    settings = {"auth": "jwt", "jwt_issuer": "http://127.0.0.1:9", "jwt_audience": "twins"}
    assert "http://127.0.0.1:9/.well-known/openid-configuration cannot be reached" in await complaint(**settings)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "keys.json cannot be read: No such file or directory"),
        ("", "keys.json is no JSON object"),
        ("-----BEGIN PUBLIC KEY-----", "keys.json is no JSON object"),
        (json.dumps(SigningKey("alone").jwk()), 'keys.json has no list "keys"'),
    ],
)
async def test_a_key_file_that_is_none_is_named(issuer: Issuer, tmp_path: Path, content: str | None, told: str):
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_text(content)
    said = await complaint(**issuer.settings(jwt_jwks=str(file)))
    assert said.startswith(f"--jwt-jwks: {tmp_path}/{told}")


async def test_a_folder_is_no_key_file(issuer: Issuer, tmp_path: Path):
    assert f"{tmp_path} cannot be read" in await complaint(**issuer.settings(jwt_jwks=str(tmp_path)))
