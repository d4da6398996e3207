"""Every RPC of the contract, for callers of every kind; made from the descriptors, so that a new one is among them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.contract_services import METHODS
from tests.rpc.serving.certificates import Authority
from tests.rpc.serving.echo import Metadata

from twinfront_server.access.permissions import ROLES

from .asking import INVALID, MISSING, bearer
from .certified import Certified, certified, refusal
from .issuer import Issuer, SigningKey

FOR_WHOEVER_IS_KNOWN = "twinfront.v1.PermissionService.CheckPermissions"


@pytest.fixture
async def server(tmp_path: Path, issuer: Issuer) -> AsyncIterator[Certified]:
    """A server that takes tokens at one address, and certificates at the other."""
    settings = issuer.settings(auth="jwt,mtls", mtls_listen="127.0.0.1:0")
    async with certified(tmp_path, **settings) as server:
        yield server


async def endings(server: Certified, metadata: Metadata) -> dict[str, str]:
    """How calls without a certificate end, by RPC."""
    async with server.channel() as channel:
        return {method.full_name: (await refusal(channel, method, metadata)).reason for method in METHODS}


def all_methods(ending: str) -> dict[str, str]:
    return {method.full_name: ending for method in METHODS}


async def test_no_rpc_is_for_callers_without_a_token(server: Certified):
    assert await endings(server, ()) == all_methods(MISSING)


async def test_no_rpc_is_for_callers_with_a_bad_token(server: Certified, issuer: Issuer):
    forged = SigningKey("first").sign(issuer.claims(roles=list(ROLES)))
    for token in (forged, issuer.token(exp=1, roles=list(ROLES)), "garbage"):
        assert await endings(server, bearer(token)) == all_methods(INVALID)


async def test_every_rpc_is_for_callers_with_a_good_token_and_all_roles(server: Certified, issuer: Issuer):
    found = await endings(server, bearer(issuer.token(roles=list(ROLES))))
    denied = {name: reason for name, reason in found.items() if reason in {MISSING, INVALID, "CALLER_NOT_PERMITTED"}}
    assert len(found) == len(METHODS)
    assert denied == {}


async def test_every_rpc_knows_callers_by_their_certificates(server: Certified):
    """They are known, and without a policy have no role."""
    async with server.channel(server.authority.issue("billing", names=[]), server.app.mtls_address) as channel:
        found = {method.full_name: await refusal(channel, method) for method in METHODS}
    assert found.pop(FOR_WHOEVER_IS_KNOWN).reason == "INVALID_ARGUMENT"
    assert {ended.reason for ended in found.values()} == {"CALLER_NOT_PERMITTED"}
    assert all(ended.message.startswith("CN=billing may not do this") for ended in found.values())


async def test_no_rpc_is_for_callers_with_a_certificate_of_another_authority(server: Certified, tmp_path: Path):
    other = Authority(tmp_path, "other").issue("stranger")
    async with server.channel(other, server.app.mtls_address) as channel:
        found = {method.full_name: (await refusal(channel, method)).code for method in METHODS}
    assert found == all_methods("UNAVAILABLE")


async def test_no_rpc_takes_a_certificate_at_the_address_for_tokens(server: Certified):
    async with server.channel(server.authority.issue("billing")) as channel:
        found = {method.full_name: (await refusal(channel, method)).reason for method in METHODS}
    assert found == all_methods(MISSING)
