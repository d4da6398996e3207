"""Keys that change while the server runs, and issuers that do not answer."""

import asyncio
import base64
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tests import engine
from tests.rpc.serving.echo import SERVICE, EchoServer, eventually, outcome

from twinfront_server.access import keys
from twinfront_server.access.authenticator import CredentialsAuthenticator
from twinfront_server.access.key_source import MAX_DOCUMENT
from twinfront_server.background import running

from .asking import bearer, caller, reason_of, refusal
from .conftest import guarded
from .issuer import DISCOVERY, KEYS, Answer, Issuer, SigningKey

WITHDRAWN = "The token is signed with a key that its issuer does not have (any more)."


def followed(echo: EchoServer) -> keys.Keys:
    """The keys of a server."""
    authenticator = echo.authenticator
    assert isinstance(authenticator, CredentialsAuthenticator)
    assert authenticator._tokens is not None
    return authenticator._tokens._keys


def reads(echo: EchoServer, result: str) -> float:
    return echo.metrics.registry.get_sample_value("twinfront_jwt_key_reads_total", {"outcome": result}) or 0


@asynccontextmanager
async def refreshing(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EchoServer]:
    """A server that reads keys anew all the time."""
    monkeypatch.setattr(keys, "REFRESH_SECONDS", 0.05)
    monkeypatch.setattr(keys, "RETRY_SECONDS", 0.05)
    async with guarded(**issuer.settings()) as echo:
        yield echo


async def test_a_key_that_is_new_is_found_without_a_restart(echo: EchoServer, issuer: Issuer):
    issuer.keys.append(SigningKey("second"))
    assert (await caller(echo, bearer(issuer.token()))).name == "alice"
    assert (await caller(echo, bearer(issuer.keys[0].sign(issuer.claims())))).name == "alice"


async def test_a_key_that_nobody_has_costs_one_read_and_no_more(echo: EchoServer, issuer: Issuer):
    asked = issuer.asked.count(KEYS)
    stranger = SigningKey("stranger")
    for number in range(20):
        assert await refusal(echo, bearer(stranger.sign(issuer.claims(jti=str(number))))) == WITHDRAWN
    assert issuer.asked.count(KEYS) == asked + 1


UNPROMISING: dict[str, tuple[dict[str, Any], str]] = {
    "of another issuer": ({"iss": "https://elsewhere.example"}, "The token is of another issuer than this server's."),
    "for another audience": ({"aud": "others"}, "The token is for another audience than this server."),
    "that has expired": ({"exp": 1}, "The token has expired."),
    "that is not valid yet": ({"nbf": 10**10}, "The token is not valid yet."),
    "without a name": ({"sub": None}, "The token has no claim sub."),
}


@pytest.mark.parametrize("what", UNPROMISING)
async def test_the_issuer_is_not_asked_for_the_key_of_a_token_that_no_key_makes_good(
    echo: EchoServer, issuer: Issuer, what: str
):
    asked = list(issuer.asked)
    claims, told = UNPROMISING[what]
    assert await refusal(echo, bearer(SigningKey("stranger").sign(issuer.claims(**claims)))) == told
    assert issuer.asked == asked


FLOODING_CONNECTIONS = 4
FLOODS_OF_EACH = 50


@asynccontextmanager
async def flooded(echo: EchoServer, issuer: Issuer) -> AsyncIterator[Counter[str]]:
    """Sends tokens whose keys are made up, each a new one, as fast as they are refused; counts the refusals."""
    stranger, codes = SigningKey("stranger"), Counter[str]()
    claims = issuer.claims()

    async def flood(call: Any, number: str) -> None:
        for count in itertools.count():
            token = stranger.sign(claims, kid=f"{number}-{count}")
            ended = await outcome(call(b"", metadata=bearer(token)))
            codes[ended.code.name] += 1

    async with AsyncExitStack() as closing:
        for number in range(FLOODING_CONNECTIONS):
            options = [("grpc.use_local_subchannel_pool", 1)]
            channel = await closing.enter_async_context(grpc.aio.insecure_channel(echo.address, options))
            call: Any = channel.unary_unary(f"/{SERVICE}/Unary")
            for other in range(FLOODS_OF_EACH):
                await closing.enter_async_context(running(flood(call, f"{number}-{other}")))
        yield codes


async def test_a_key_that_is_rotated_in_is_found_in_a_flood_of_tokens_with_made_up_keys(
    echo: EchoServer, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(keys, "MAX_WAITING", FLOODING_CONNECTIONS * FLOODS_OF_EACH // 2)
    began, known = time.monotonic(), bearer(issuer.token())
    async with flooded(echo, issuer) as codes:
        await eventually(lambda: codes["UNAUTHENTICATED"] and codes["RESOURCE_EXHAUSTED"] > 1000)
        issuer.keys.append(SigningKey("second"))
        rotated, read = bearer(issuer.token()), issuer.asked.count(KEYS)
        while not (answer := await outcome(echo.start("Unary", "hello", metadata=rotated))).words:
            assert reason_of(answer) == "LIMIT_REACHED"
            # Who is known does not wait for a read.
            assert (await outcome(echo.start("Unary", "hello", metadata=known))).words == ["hello"]
        assert issuer.asked.count(KEYS) <= read + 2
    assert codes.keys() == {"UNAUTHENTICATED", "RESOURCE_EXHAUSTED"}
    assert issuer.asked.count(KEYS) <= (time.monotonic() - began) / keys.PAUSE_SECONDS + 2


async def test_who_is_known_waits_for_nothing_while_others_wait_for_keys(echo: EchoServer, issuer: Issuer):
    await caller(echo, bearer(issuer.token()))
    async with flooded(echo, issuer):
        issuer.released.clear()
        await eventually(lambda: followed(echo)._waiting == FLOODING_CONNECTIONS * FLOODS_OF_EACH)
        for number in range(20):
            answer = await outcome(echo.start("Unary", "hello", metadata=bearer(issuer.token(jti=str(number)))))
            assert answer.words == ["hello"]
        assert followed(echo)._waiting == FLOODING_CONNECTIONS * FLOODS_OF_EACH
        issuer.released.set()


async def test_callers_with_unknown_keys_wait_for_one_read_together(echo: EchoServer, issuer: Issuer):
    asked = issuer.asked.count(KEYS)
    issuer.keys.append(SigningKey("second"))
    tokens = [issuer.token(jti=str(number)) for number in range(20)]
    callers = await asyncio.gather(*(caller(echo, bearer(token)) for token in tokens))
    assert {each.name for each in callers} == {"alice"}
    assert issuer.asked.count(KEYS) == asked + 1


async def test_a_key_that_was_taken_away_is_not_taken_any_more_nor_are_tokens_that_were_known(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
):
    async with refreshing(issuer, monkeypatch) as echo:
        old = issuer.token()
        await caller(echo, bearer(old))
        issuer.keys = [SigningKey("second")]
        await eventually(lambda: followed(echo).changes == 1)
        assert await refusal(echo, bearer(old)) == WITHDRAWN
        assert (await caller(echo, bearer(issuer.token()))).name == "alice"


async def test_another_key_under_the_same_name_replaces_the_one_before(issuer: Issuer, monkeypatch: pytest.MonkeyPatch):
    async with refreshing(issuer, monkeypatch) as echo:
        old = issuer.token()
        await caller(echo, bearer(old))
        issuer.keys = [SigningKey("first")]
        await eventually(lambda: followed(echo).changes == 1)
        assert await refusal(echo, bearer(old)) == "The token's signature is not that of its key."


def html() -> Answer:
    return 200, {"Content-Type": "text/html"}, b"<html><body>Log in</body></html>"


BROKEN: dict[str, tuple[str, Answer]] = {
    "a page in HTML": (KEYS, html()),
    "a page in HTML instead of the discovery document": (DISCOVERY, html()),
    "a redirect": (KEYS, (302, {"Location": "/elsewhere"}, b"")),
    "a fault": (KEYS, (500, {}, b"")),
    "no document": (DISCOVERY, (404, {}, b"")),
    "too much": (KEYS, (200, {}, b'{"keys": [' + b" " * MAX_DOCUMENT + b"]}")),
    "no keys": (KEYS, (200, {}, b'{"keys": []}')),
    "another issuer": (DISCOVERY, (200, {}, b'{"issuer": "https://elsewhere.example", "jwks_uri": "https://x/keys"}')),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_what_the_server_has_stays_when_the_issuer_answers_something_else(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, what: str
):
    async with refreshing(issuer, monkeypatch) as echo:
        path, answer = BROKEN[what]
        issuer.answers[path] = answer
        await eventually(lambda: reads(echo, "failed") >= 2)
        assert (await caller(echo, bearer(issuer.token()))).name == "alice"
        issuer.answers.clear()
        issuer.keys.append(SigningKey("second"))
        await eventually(lambda: followed(echo).changes == 1)
        assert (await caller(echo, bearer(issuer.token()))).name == "alice"


async def test_an_issuer_that_hangs_keeps_nobody_waiting_whose_key_is_known(echo: EchoServer, issuer: Issuer):
    issuer.released.clear()
    unknown = bearer(SigningKey("stranger").sign(issuer.claims()))
    stranger = asyncio.create_task(outcome(echo.start("Unary", "hello", metadata=unknown)))
    await eventually(lambda: issuer.asked == [DISCOVERY, KEYS, DISCOVERY])
    for number in range(10):
        answer = await outcome(echo.start("Unary", "hello", metadata=bearer(issuer.token(jti=str(number)))))
        assert answer.words == ["hello"]
    assert not stranger.done()
    issuer.released.set()
    assert (await stranger).details == WITHDRAWN


async def test_no_more_callers_wait_for_an_issuer_that_hangs_than_is_good(
    echo: EchoServer, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(keys, "MAX_WAITING", 5)
    issuer.released.clear()
    unknown = bearer(SigningKey("stranger").sign(issuer.claims()))
    started = [echo.start("Unary", "hello", metadata=unknown) for _ in range(20)]
    await eventually(lambda: sum(call.done() for call in started) == 15)
    issuer.released.set()
    ends = [await outcome(call) for call in started]
    assert Counter(end.code.name for end in ends) == {"UNAUTHENTICATED": 5, "RESOURCE_EXHAUSTED": 15}
    full = next(end for end in ends if end.code.name == "RESOURCE_EXHAUSTED")
    assert reason_of(full) == "LIMIT_REACHED"
    assert full.trailers.get("grpc-retry-pushback-ms") == engine.pushback("1000")
    assert echo.metrics.registry.get_sample_value("twinfront_limited_total", {"limit": "unknown_keys"}) == 15
    assert followed(echo)._waiting == 0


async def test_who_waits_for_a_key_waits_no_longer_than_its_deadline(echo: EchoServer, issuer: Issuer):
    issuer.released.clear()
    token = SigningKey("stranger").sign(issuer.claims())
    answer = await echo.call("Unary", "hello", timeout=1, metadata=bearer(token))
    assert answer.code.name == "DEADLINE_EXCEEDED"
    assert b"DEADLINE_EXCEEDED" in bytes(answer.trailers["grpc-status-details-bin"])  # type: ignore[arg-type]  # -bin
    issuer.released.set()


async def test_metrics_say_when_the_keys_were_last_read(issuer: Issuer, monkeypatch: pytest.MonkeyPatch):
    async with refreshing(issuer, monkeypatch) as echo:

        def read_at() -> float:
            return echo.metrics.registry.get_sample_value("twinfront_jwt_keys_read_timestamp_seconds") or 0

        assert abs(read_at() - time.time()) < 20
        await eventually(lambda: reads(echo, "read") >= 3)
        issuer.answers[KEYS] = html()
        await eventually(lambda: reads(echo, "failed") >= 2)
        last = read_at()
        await eventually(lambda: reads(echo, "failed") >= 4)
        assert read_at() == last


async def test_keys_can_be_in_a_file_that_is_replaced(issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keys, "PAUSE_SECONDS", 0.0)
    file = tmp_path / "keys.json"
    file.write_bytes(issuer.answer(KEYS)[2])
    settings = issuer.settings(jwt_issuer="https://nowhere.example", jwt_jwks=str(file))
    async with guarded(**settings) as echo:
        assert (await caller(echo, bearer(issuer.token(iss="https://nowhere.example")))).name == "alice"
        issuer.keys.append(SigningKey("second"))
        file.write_bytes(issuer.answer(KEYS)[2])
        assert (await caller(echo, bearer(issuer.token(iss="https://nowhere.example")))).name == "alice"
        file.unlink()
        stranger = SigningKey("third").sign(issuer.claims(iss="https://nowhere.example"))
        assert await refusal(echo, bearer(stranger)) == WITHDRAWN
        assert (await caller(echo, bearer(issuer.token(iss="https://nowhere.example")))).name == "alice"
    assert issuer.asked == []


async def test_keys_can_be_at_a_url_of_their_own(issuer: Issuer):
    settings = issuer.settings(jwt_issuer="anything", jwt_jwks=issuer.url + KEYS)
    async with guarded(**settings) as echo:
        assert (await caller(echo, bearer(issuer.token(iss="anything")))).name == "alice"
    assert set(issuer.asked) == {KEYS}


USABLE = SigningKey("good")
UNFIT: dict[str, dict[str, Any] | object] = {
    "for encryption": SigningKey("bad", members={"use": "enc"}).jwk(),
    "for signing alone": SigningKey("bad", members={"use": None, "key_ops": ["sign"]}).jwk(),
    "a short one": SigningKey("bad", "RS256", private=rsa.generate_private_key(65537, 1024)).jwk(),
    "a secret": {"kty": "oct", "kid": "bad", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"},
    "of another curve": {**SigningKey("bad").jwk(), "crv": "secp256k1"},
    "of a curve that is no text": {**SigningKey("bad").jwk(), "crv": ["P-256"]},
    "of no kind": {"kid": "bad"},
    "with another algorithm": SigningKey("bad", members={"alg": "RS256"}).jwk(),
    "damaged": {**SigningKey("bad").jwk(), "x": "!"},
    "off its curve": {**SigningKey("bad").jwk(), "x": SigningKey("other").jwk()["x"]},
    "without a part": SigningKey("bad", members={"y": None}).jwk(),
    "a name that is no text": SigningKey("bad", members={"kid": 7}).jwk(),
    "no object": "key",
    **{
        f"{type(value).__name__} as its {member}": {**SigningKey("bad").jwk(), member: value}
        for member in ("kty", "crv", "use", "alg", "kid", "x", "y")
        for value in (["sig"], {"a": "sig"}, 7, 1.5, True)
    },
}


@pytest.mark.parametrize("what", UNFIT)
async def test_a_key_of_the_set_that_cannot_be_used_leaves_the_others(issuer: Issuer, tmp_path: Path, what: str):
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [UNFIT[what], USABLE.jwk()]}))
    async with guarded(**issuer.settings(jwt_jwks=str(file))) as echo:
        assert (await caller(echo, bearer(USABLE.sign(issuer.claims())))).name == "alice"
        current = followed(echo).current
        assert (len(current.keys), current.left_out) == (1, 1)


async def test_a_private_key_that_was_published_checks_tokens_as_its_public_half_does(issuer: Issuer, tmp_path: Path):
    key = SigningKey("both", private=ec.generate_private_key(ec.SECP256R1()))
    private = key.private.private_numbers().private_value.to_bytes(32, "big")
    key.members["d"] = base64.urlsafe_b64encode(private).rstrip(b"=").decode()
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [key.jwk()]}))
    async with guarded(**issuer.settings(jwt_jwks=str(file))) as echo:
        assert isinstance(followed(echo).current.keys[0].material, ec.EllipticCurvePublicKey)
        assert (await caller(echo, bearer(key.sign(issuer.claims())))).name == "alice"
