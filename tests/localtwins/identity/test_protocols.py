"""The protocols by which a program asks for the token of its managed identity."""

import asyncio
import base64
import gzip
import json
import time
from typing import Any

import aiohttp
import pytest
from yarl import URL

from localtwins.identity.endpoint import IdentityServer

from .conftest import SECRET

RESOURCE = "https://digitaltwins.azure.net"


async def ask(method: str, url: str | URL, headers: dict[str, str], **options: Any) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession(headers=headers) as http, http.request(method, url, **options) as answer:
        assert answer.content_type == "application/json"
        return answer.status, await answer.json()


def claims(token: str) -> dict[str, Any]:
    header, payload, signature = token.split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"typ": "JWT", "alg": "none"}
    assert signature == ""
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return decoded


def virtual_machine(endpoint: IdentityServer) -> str:
    return str(URL(endpoint.url).with_path("/metadata/identity/oauth2/token"))


async def test_app_service_hands_out_a_token(endpoint: IdentityServer):
    status, answer = await ask(
        "GET",
        endpoint.url,
        {"X-IDENTITY-HEADER": SECRET},
        params={"api-version": "2019-08-01", "resource": RESOURCE},
    )
    assert status == 200
    assert (answer["resource"], answer["token_type"]) == (RESOURCE, "Bearer")
    assert int(answer["expires_on"]) == pytest.approx(time.time() + 24 * 3600, abs=60)


async def test_the_older_protocol_of_app_service_hands_out_a_token(endpoint: IdentityServer):
    status, answer = await ask(
        "GET",
        endpoint.url,
        {"secret": SECRET},
        params={"api-version": "2017-09-01", "resource": RESOURCE, "clientid": "somebody"},
    )
    assert (status, answer["resource"]) == (200, RESOURCE)


async def test_cloud_shell_hands_out_a_token(endpoint: IdentityServer):
    status, answer = await ask("POST", endpoint.url, {"Metadata": "true"}, data={"resource": RESOURCE})
    assert (status, answer["resource"]) == (200, RESOURCE)


async def test_a_virtual_machine_hands_out_a_token(endpoint: IdentityServer):
    status, answer = await ask(
        "GET",
        virtual_machine(endpoint),
        {"Metadata": "true"},
        params={"api-version": "2018-02-01", "resource": RESOURCE},
    )
    assert status == 200
    assert int(answer["expires_in"]) == pytest.approx(24 * 3600, abs=60)


async def test_the_token_says_who_it_is_for_and_until_when(endpoint: IdentityServer):
    _, answer = await ask("POST", endpoint.url, {"Metadata": "true"}, data={"resource": "api://anything"})
    token = claims(answer["access_token"])
    assert token["aud"] == "api://anything"
    assert token["nbf"] <= time.time() < token["exp"] == int(answer["expires_on"])
    assert token["tid"] in token["iss"]
    assert token["oid"]


async def test_the_token_has_the_claims_of_an_applications_token(endpoint: IdentityServer):
    before = int(time.time())
    _, answer = await ask("POST", endpoint.url, {"Metadata": "true"}, data={"resource": RESOURCE})
    token = claims(answer["access_token"])
    issued = token["iat"]
    assert before - 300 <= issued <= time.time() - 300  # clocks may differ by five minutes
    assert {name: value for name, value in token.items() if name != "uti"} == {
        "aud": RESOURCE,
        "iss": "https://sts.windows.net/6c6f6361-6c74-4773-a96e-730000000001/",
        "iat": issued,
        "nbf": issued,
        "exp": issued + 300 + 24 * 3600,
        "appid": "6c6f6361-6c74-4773-a96e-730000000004",
        "appidacr": "2",
        "idp": "https://sts.windows.net/6c6f6361-6c74-4773-a96e-730000000001/",
        "idtyp": "app",
        "oid": "6c6f6361-6c74-4773-a96e-730000000003",
        "sub": "6c6f6361-6c74-4773-a96e-730000000003",
        "tid": "6c6f6361-6c74-4773-a96e-730000000001",
        "ver": "1.0",
    }
    _, other = await ask("POST", endpoint.url, {"Metadata": "true"}, data={"resource": RESOURCE})
    assert claims(other["access_token"])["uti"] != token["uti"]
    assert answer.keys() == {
        *("access_token", "client_id", "expires_in", "expires_on"),
        *("ext_expires_in", "not_before", "resource", "token_type"),
    }
    assert int(answer["not_before"]) == issued


@pytest.mark.parametrize(("version", "header"), [("2019-08-01", "X-IDENTITY-HEADER"), ("2017-09-01", "Secret")])
@pytest.mark.parametrize("given", [None, "", "wrong", "secret and more", "gehéim"])
async def test_without_the_secret_there_is_no_token(
    endpoint: IdentityServer, version: str, header: str, given: str | None
):
    headers = {} if given is None else {header: given.replace("secret", SECRET)}
    status, answer = await ask("GET", endpoint.url, headers, params={"api-version": version, "resource": RESOURCE})
    assert (status, answer["statusCode"]) == (401, 401)
    assert header in answer["message"]
    assert SECRET not in answer["message"]


async def test_the_secret_of_one_protocol_is_not_looked_for_in_the_header_of_another(endpoint: IdentityServer):
    status, _ = await ask(
        "GET",
        endpoint.url,
        {"Secret": SECRET},
        params={"api-version": "2019-08-01", "resource": RESOURCE},
    )
    assert status == 401


@pytest.mark.parametrize("headers", [{}, {"Metadata": "false"}])
async def test_without_the_metadata_header_there_is_no_token(endpoint: IdentityServer, headers: dict[str, str]):
    for method, url in (("POST", endpoint.url), ("GET", virtual_machine(endpoint))):
        options = {"data" if method == "POST" else "params": {"resource": RESOURCE}}
        status, answer = await ask(method, url, headers, **options)
        assert (status, answer["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("resource", ["", "x" * 1001, "https://a\nb", "https://a\x00"])
async def test_a_resource_that_is_none_is_refused(endpoint: IdentityServer, resource: str):
    version = {"api-version": "2019-08-01"}
    secret = {"X-IDENTITY-HEADER": SECRET}
    status, answer = await ask("GET", endpoint.url, secret, params=version | {"resource": resource})
    assert status == 400
    assert "resource has to be" in answer["message"]
    metadata = {"Metadata": "true"}
    status, answer = await ask("POST", endpoint.url, metadata, data={"resource": resource})
    assert status == 400
    assert "resource has to be" in answer["error_description"]


@pytest.mark.parametrize("sent", ["%FF", "%ED%A0%80", "a%00", "%0A"])
async def test_bytes_that_are_no_text_harm_nothing(endpoint: IdentityServer, sent: str):
    url = URL(f"{endpoint.url}?api-version=2019-08-01&resource={sent}", encoded=True)
    status, _ = await ask("GET", url, {"X-IDENTITY-HEADER": SECRET})
    assert status in {200, 400}


async def test_a_protocol_that_is_not_known_is_refused_with_those_that_are(endpoint: IdentityServer):
    status, answer = await ask("GET", endpoint.url, {"X-IDENTITY-HEADER": SECRET}, params={"resource": RESOURCE})
    assert status == 400
    assert "2019-08-01 or 2017-09-01" in answer["message"]


async def test_a_large_body_is_not_read(endpoint: IdentityServer):
    async with (
        aiohttp.ClientSession(headers={"Metadata": "true"}) as http,
        http.post(endpoint.url, data={"resource": "x" * 20_000}) as answer,
    ):
        assert answer.status == 413


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b""),
        ({}, b"\xff\xfe&=&"),
        ({}, b"resource=%0A"),
        ({"Content-Type": "application/x-www-form-urlencoded; charset=none"}, b"resource="),
        ({"Content-Type": "application/json"}, b'{"resource": "https://a"}'),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x\r\nno part"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"resource=" + b"x" * 10_000_000)),
        ({"Content-Encoding": "gzip"}, b"resource"),
    ],
)
async def test_a_form_without_a_resource_is_refused(endpoint: IdentityServer, headers: dict[str, str], body: bytes):
    status, answer = await ask("POST", endpoint.url, {"Metadata": "true"} | headers, data=body)
    assert (status, answer["error"]) == (400, "invalid_request")


async def test_a_body_that_breaks_off_is_refused(endpoint: IdentityServer):
    reader, writer = await asyncio.open_connection("127.0.0.1", URL(endpoint.url).port)
    writer.write(b"POST /msi/token HTTP/1.1\r\nHost: a\r\nMetadata: true\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_what_is_no_http_leaves_no_trace_in_the_log(endpoint: IdentityServer, caplog: pytest.LogCaptureFixture):
    reader, writer = await asyncio.open_connection("127.0.0.1", URL(endpoint.url).port)
    writer.write(b"\x16\x03\x01 a client that speaks TLS\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert "Traceback" not in caplog.text
