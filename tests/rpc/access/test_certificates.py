"""Who a client certificate says is calling."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from tests.contract_services import METHODS
from tests.rpc.serving.certificates import Authority

from .asking import INVALID, bearer
from .certified import Certified, Refusal, certified, refusal
from .issuer import Issuer

[GET_MODEL] = (method for method in METHODS if method.name == "GetModel")
SPIFFE = "spiffe://example.org/ns/twins/sa/billing"


def uri(text: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(text)


def known_as(name: str) -> Refusal:
    """How a call ends of a caller who is known, and has no role."""
    told = f"{name} may not do this: GetModel takes the permission models.read, which "
    return Refusal("PERMISSION_DENIED", "CALLER_NOT_PERMITTED", told)


def beginning(found: Refusal, expected: Refusal) -> Refusal:
    """What was told, up to the length of what is expected."""
    return Refusal(found.code, found.reason, found.message[: len(expected.message)])


async def ask(server: Certified, name: str, names: Sequence[x509.GeneralName]) -> Refusal:
    async with server.channel(server.authority.issue(name, names=names)) as channel:
        return await refusal(channel, GET_MODEL)


@pytest.mark.parametrize(
    ("names", "principal"),
    [
        ([uri(SPIFFE)], SPIFFE),
        ([x509.DNSName("billing.example"), uri(SPIFFE)], SPIFFE),
        ([x509.DNSName("billing.example"), x509.DNSName("other.example")], "billing.example"),
        ([uri("https://billing.example"), x509.DNSName("billing.example")], "billing.example"),
        ([uri(SPIFFE), uri("spiffe://example.org/other")], "CN=billing"),
        ([x509.DNSName("Billing.Example")], "billing.example"),
        ([x509.DNSName("*.example")], "*.example"),
        ([x509.DNSName("spiffe://example.org/admin")], "CN=billing"),
        ([x509.DNSName("CN=admin"), x509.DNSName("billing.example")], "billing.example"),
        ([x509.DNSName("a.example\0.b"), x509.DNSName("a..example"), x509.DNSName("")], "CN=billing"),
        ([x509.RFC822Name("billing@example.org")], "CN=billing"),
        ([], "CN=billing"),
    ],
)
async def test_the_caller_is_named_by_its_spiffe_id_else_its_dns_name_else_its_subject(
    tmp_path: Path, names: list[x509.GeneralName], principal: str
):
    async with certified(tmp_path, auth="mtls") as server:
        expected = known_as(principal)
        assert beginning(await ask(server, "billing", names), expected) == expected


async def test_a_certificate_whose_name_does_not_fit_into_a_log_is_refused(tmp_path: Path):
    async with certified(tmp_path, auth="mtls") as server:
        found = await ask(server, "billing", [uri("spiffe://example.org/" + "x" * 300)])
        assert found == Refusal(
            "UNAUTHENTICATED",
            INVALID,
            "The certificate has no name of a caller: no SPIFFE id, DNS name or subject.",
        )


async def test_a_certificate_of_another_authority_does_not_connect(tmp_path: Path):
    async with certified(tmp_path, auth="mtls") as server:
        other = Authority(tmp_path, "other").issue("stranger")
        for shown in (other, None):
            async with server.channel(shown) as channel:
                assert (await refusal(channel, GET_MODEL)).code == "UNAVAILABLE"


async def test_a_token_is_nothing_to_a_server_that_knows_callers_by_certificates(tmp_path: Path):
    async with certified(tmp_path, auth="mtls") as server, server.channel(server.authority.issue("billing")) as channel:
        found = await refusal(channel, GET_MODEL, bearer("whatever"))
        assert found.reason == "CALLER_NOT_PERMITTED"


async def test_a_certificate_is_no_name_where_callers_are_known_by_tokens(tmp_path: Path, issuer: Issuer):
    async with certified(tmp_path, **issuer.settings()) as server:
        mine = server.authority.issue("billing")
        async with server.channel(mine) as channel:
            assert (await refusal(channel, GET_MODEL)).reason == "CREDENTIALS_MISSING"
            assert (await refusal(channel, GET_MODEL, bearer(issuer.token(roles=["reader"])))).code != "UNAUTHENTICATED"
        async with server.channel() as channel:
            assert (await refusal(channel, GET_MODEL, bearer(issuer.token()))).code == "UNAVAILABLE"


async def test_who_shows_a_token_is_judged_by_it_whatever_certificate_there_is(tmp_path: Path, issuer: Issuer):
    settings = issuer.settings(auth="jwt,mtls", mtls_listen="127.0.0.1:0")
    async with certified(tmp_path, **settings) as server:
        mine = server.authority.issue("billing", names=[])
        async with server.channel(mine, server.app.mtls_address) as channel:
            by_certificate = await refusal(channel, GET_MODEL)
            by_token = await refusal(channel, GET_MODEL, bearer(issuer.token(sub="alice")))
            in_vain = await refusal(channel, GET_MODEL, bearer(issuer.token(exp=1)))
    assert by_certificate.message.startswith("CN=billing may not do this")
    assert by_token.message.startswith("alice may not do this")
    assert (in_vain.reason, in_vain.message) == (INVALID, "The token has expired.")
