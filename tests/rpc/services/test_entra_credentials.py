"""Which identity reaches Azure, where Entra ID issues tokens: the server's own, or that of whoever calls."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import grpc
import grpc.aio
import pytest
from tests.rpc.access.issuer import Issuer
from tests.rpc.serving.process import ServedProcess, run, wait_until

from localtwins.certificate import DevelopmentCertificate
from localtwins.message import Request, Response
from localtwins.service import LocalTwins
from localtwins.settings import Settings as LocalSettings
from localtwins.store.database import Database
from twinfront.errors import TwinfrontError, from_rpc_error
from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1.change_service_pb2 import WatchRequest
from twinfront.v1.change_service_pb2_grpc import ChangeServiceStub
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub

from .entra import CLIENT_SECRET, FEDERATED, Entra, entra, token_of
from .over_tls import serving_over_tls

Serve = Callable[..., ServedProcess]

SCOPE = "https://digitaltwins.azure.net/.default"
READ = twins.GetDigitalTwinRequest(digital_twin_id="room")


class Instance(LocalTwins):
    """An instance that asks for tokens.

    Attributes:
        url: where it is.
        came: the tokens that came, in their order.
        forbidden: those that may do nothing.
    """

    def __init__(self, database: Database, settings: LocalSettings) -> None:
        super().__init__(database, settings)
        self.url = ""
        self.came: list[str] = []
        self.forbidden: set[str] = set()

    async def handle(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            return Response(401, {"Content-Type": "application/json"}, b'{"error":{"code":"Unauthorized"}}')
        self.came.append(token)
        if token in self.forbidden:
            return Response(403, {"Content-Type": "application/json"}, b'{"error":{"code":"Forbidden"}}')
        return await super().handle(request)


@pytest.fixture
async def instance(certificate: DevelopmentCertificate) -> AsyncIterator[Instance]:
    async with serving_over_tls(certificate, Instance) as (instance, url):
        instance.url = url
        yield instance


@pytest.fixture
def issuer_of_azure(certificate: DevelopmentCertificate) -> Iterator[Entra]:
    with entra(certificate.chain, certificate.key, certificate.authority) as issuer:
        yield issuer


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


async def failure(address: str, token: str = "") -> TwinfrontError:
    """Reads a twin that is not there, and gives what the caller is told."""
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    async with grpc.aio.insecure_channel(address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await DigitalTwinServiceStub(channel).GetDigitalTwin(READ, metadata=metadata, timeout=30)
    return from_rpc_error(caught.value)


async def shown(served: ServedProcess, calls: int) -> str:
    """All that an operator sees after so many calls."""
    await asyncio.to_thread(wait_until, lambda: served.log().count("GetDigitalTwin") >= calls)
    return served.log() + served.stdout.read_text() + await asyncio.to_thread(served.metrics)


class TestTheServersOwnIdentity:
    async def test_a_service_principal_with_a_secret(self, serve: Serve, instance: Instance, issuer_of_azure: Entra):
        variables = {"AZURE_CLIENT_SECRET": CLIENT_SECRET, **issuer_of_azure.variables}
        served = await asyncio.to_thread(serve, "--upstream", instance.url, **variables)
        assert (await failure(served.address)).reason == "TWIN_NOT_FOUND"
        assert set(instance.came) == {token_of("server")}
        assert [form["scope"].split()[0] for form in issuer_of_azure.asked] == [SCOPE]
        assert CLIENT_SECRET not in await shown(served, calls=1)

    async def test_a_workload_identity(self, serve: Serve, instance: Instance, issuer_of_azure: Entra, tmp_path: Path):
        file = tmp_path / "projected"
        file.write_text(FEDERATED)
        variables = {"AZURE_FEDERATED_TOKEN_FILE": str(file), **issuer_of_azure.variables}
        served = await asyncio.to_thread(serve, "--upstream", instance.url, **variables)
        assert (await failure(served.address)).reason == "TWIN_NOT_FOUND"
        assert set(instance.came) == {token_of("server")}
        assert issuer_of_azure.asked[0]["client_assertion"] == FEDERATED
        assert FEDERATED not in await shown(served, calls=1)

    async def test_a_wrong_secret_is_the_operators_affair(
        self, serve: Serve, instance: Instance, issuer_of_azure: Entra
    ):
        wrong = {"AZURE_CLIENT_SECRET": "a wrong one", "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential"}
        served = await asyncio.to_thread(serve, "--upstream", instance.url, **wrong, **issuer_of_azure.variables)
        refused = await failure(served.address)
        assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "UPSTREAM_CREDENTIALS_REJECTED")
        seen = await shown(served, calls=1)
        assert "AADSTS7000215" in seen
        assert "a wrong one" not in seen + refused.message
        assert instance.came == []

    def test_the_effective_settings_do_not_show_it(self):
        shown = run("config", AZURE_CLIENT_SECRET=CLIENT_SECRET, TWINFRONT_PAGE_TOKEN_KEY="sixteen characters or more")
        assert shown.returncode == 0
        assert "page" in shown.stdout
        assert [secret for secret in (CLIENT_SECRET, "sixteen") if secret in shown.stdout + shown.stderr] == []


class TestTheCallersIdentity:
    @pytest.fixture
    async def served(self, serve: Serve, instance: Instance, issuer_of_azure: Entra, issuer: Issuer) -> ServedProcess:
        return await asyncio.to_thread(serve, *words(instance, issuer), **proven(issuer_of_azure))

    async def test_each_caller_reaches_azure_with_a_token_of_his_own(
        self, served: ServedProcess, instance: Instance, issuer_of_azure: Entra, issuer: Issuer
    ):
        alice, bob = issuer.token(sub="alice", roles=["reader"]), issuer.token(sub="bob", roles=["reader"])
        for token in (alice, bob, alice, bob):
            assert (await failure(served.address, token)).reason == "TWIN_NOT_FOUND"
        own = [token_of(f"on behalf of {token[-8:]}") for token in (alice, bob, alice, bob)]
        assert instance.came == own
        assert [form["assertion"] for form in issuer_of_azure.asked] == [alice, bob]
        assert {form["requested_token_use"] for form in issuer_of_azure.asked} == {"on_behalf_of"}
        seen = await shown(served, calls=4)
        assert [secret for secret in (alice, bob, *own, CLIENT_SECRET) if secret in seen] == []

    async def test_many_calls_with_one_token_exchange_it_once(
        self, served: ServedProcess, issuer_of_azure: Entra, issuer: Issuer
    ):
        token = issuer.token(roles=["reader"])
        await asyncio.gather(*(failure(served.address, token) for _ in range(10)))
        assert len(issuer_of_azure.asked) == 1

    async def test_a_token_that_is_about_to_end_is_exchanged_again(
        self, served: ServedProcess, issuer_of_azure: Entra, issuer: Issuer
    ):
        issuer_of_azure.lifetime = 60
        token = issuer.token(roles=["reader"])
        for _ in range(2):
            assert (await failure(served.address, token)).reason == "TWIN_NOT_FOUND"
        assert len(issuer_of_azure.asked) == 2

    @pytest.mark.parametrize("refusal", ["invalid_grant", "interaction_required"])
    async def test_a_caller_whom_entra_id_gives_no_token_is_not_permitted(
        self, served: ServedProcess, instance: Instance, issuer_of_azure: Entra, issuer: Issuer, refusal: str
    ):
        issuer_of_azure.refusal = refusal
        token = issuer.token(roles=["reader"])
        refused = await failure(served.address, token)
        assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_PERMITTED")
        seen = await shown(served, calls=1)
        assert "AADSTS50013" in seen
        assert token not in seen + refused.message
        assert instance.came == []

    async def test_a_refusal_is_not_asked_for_again_with_every_call(
        self, served: ServedProcess, issuer_of_azure: Entra, issuer: Issuer
    ):
        issuer_of_azure.refusal = "invalid_grant"
        token = issuer.token(roles=["reader"])
        for _ in range(5):
            assert (await failure(served.address, token)).reason == "CALLER_NOT_PERMITTED"
        assert len(issuer_of_azure.asked) == 1
        issuer_of_azure.refusal = ""
        signed_in_anew = issuer.token(roles=["reader"], jti="2")
        assert (await failure(served.address, signed_in_anew)).reason == "TWIN_NOT_FOUND"

    async def test_a_caller_is_told_what_entra_id_wants_to_see_in_the_next_token(
        self, served: ServedProcess, issuer_of_azure: Entra, issuer: Issuer
    ):
        issuer_of_azure.refusal = "interaction_required"
        issuer_of_azure.claims = '{"access_token":{"capolids":{"essential":true,"values":["c1"]}}}'
        token = issuer.token(roles=["reader"])
        for _ in range(2):
            refused = await failure(served.address, token)
            assert refused.metadata["claims_challenge"] == issuer_of_azure.claims
            assert "claims_challenge" in refused.message

    async def test_a_challenge_that_does_not_fit_is_not_told_in_part(
        self, served: ServedProcess, issuer_of_azure: Entra, issuer: Issuer
    ):
        issuer_of_azure.refusal = "interaction_required"
        issuer_of_azure.claims = '{"access_token":{"values":["' + "x" * 600 + '"]}}'
        refused = await failure(served.address, issuer.token(roles=["reader"]))
        assert (refused.reason, "claims_challenge" in refused.metadata) == ("CALLER_NOT_PERMITTED", False)

    async def test_an_outage_of_entra_id_is_no_refusal_to_remember(
        self, served: ServedProcess, issuer_of_azure: Entra, issuer: Issuer
    ):
        issuer_of_azure.refusal, issuer_of_azure.status = "temporarily_unavailable", 503
        token = issuer.token(roles=["reader"])
        assert (await failure(served.address, token)).reason == "UPSTREAM_CREDENTIALS_REJECTED"
        issuer_of_azure.refusal = ""
        assert (await failure(served.address, token)).reason == "TWIN_NOT_FOUND"

    async def test_a_caller_without_a_role_in_azure_is_not_permitted(
        self, served: ServedProcess, instance: Instance, issuer: Issuer
    ):
        token = issuer.token(roles=["reader"])
        instance.forbidden.add(token_of(f"on behalf of {token[-8:]}"))
        refused = await failure(served.address, token)
        assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_PERMITTED")

    async def test_a_caller_without_a_role_in_azure_is_told_of_no_changes(
        self, served: ServedProcess, instance: Instance, issuer: Issuer
    ):
        token = issuer.token(roles=["reader"])
        instance.forbidden.add(token_of(f"on behalf of {token[-8:]}"))
        async with grpc.aio.insecure_channel(served.address) as channel:
            call = ChangeServiceStub(channel).Watch(
                WatchRequest(), metadata=(("authorization", f"Bearer {token}"),), timeout=30
            )
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await anext(aiter(call))
        assert from_rpc_error(caught.value).reason == "CALLER_NOT_PERMITTED"

    async def test_what_is_wrong_with_the_server_is_the_operators_affair(
        self, served: ServedProcess, issuer_of_azure: Entra, issuer: Issuer
    ):
        issuer_of_azure.refusal = "unauthorized_client"
        refused = await failure(served.address, issuer.token(roles=["reader"]))
        assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "UPSTREAM_CREDENTIALS_REJECTED")

    async def test_the_upstream_is_healthy_though_it_answers_nobody(self, served: ServedProcess):
        health = await asyncio.to_thread(run, "healthcheck", "--address", served.address)
        assert health.returncode == 0, health.stderr

    def test_without_proof_of_who_the_server_is_it_does_not_start(self, issuer: Issuer):
        ended = run("serve", "--listen=127.0.0.1:0", *words_for("https://localhost:1", issuer))
        assert ended.returncode != 0
        assert "AZURE_TENANT_ID and AZURE_CLIENT_ID" in ended.stderr


def words(instance: Instance, issuer: Issuer) -> list[str]:
    return words_for(instance.url, issuer)


def words_for(url: str, issuer: Issuer) -> list[str]:
    taken = ["--auth=jwt", f"--jwt-issuer={issuer.url}", "--jwt-audience=twins"]
    return [f"--upstream={url}", "--upstream-credential=on-behalf-of", "--metrics-listen=127.0.0.1:0", *taken]


def proven(issuer: Entra) -> dict[str, str]:
    return {"AZURE_CLIENT_SECRET": CLIENT_SECRET, **issuer.variables}
