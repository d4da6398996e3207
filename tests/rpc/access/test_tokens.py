"""Who a token says is calling, and which tokens say it in vain."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.rpc.serving.echo import METHODS, EchoServer, outcome

from twinfront_server.access import tokens
from twinfront_server.access.bearer import MAX_TOKEN
from twinfront_server.access.tokens import LEEWAY_SECONDS

from .asking import INVALID, MISSING, bearer, caller, reason_of, refusal
from .conftest import guarded
from .issuer import GENERATE, Issuer, SigningKey

NOW = int(time.time())
A_DAY = 86_400  # longer than any run of the tests, which begins with NOW


async def test_the_subject_of_a_token_is_the_caller(echo: EchoServer, issuer: Issuer):
    principal = await caller(echo, bearer(issuer.token(sub="billing", roles=["reader"], groups=["g1", "g2"])))
    assert (principal.name, principal.source) == ("billing", "jwt")
    assert principal.roles == {"reader"}
    assert principal.groups == {"g1", "g2"}
    assert principal.claims["iss"] == issuer.url


async def test_the_log_names_the_caller(echo: EchoServer, issuer: Issuer):
    await caller(echo, bearer(issuer.token(sub="billing")))
    assert echo.access_lines()[0]["principal"] == "billing"


@pytest.mark.parametrize("algorithm", GENERATE)
async def test_tokens_of_every_asymmetric_algorithm_are_taken(issuer: Issuer, algorithm: str):
    issuer.keys = [SigningKey("only", algorithm)]
    async with guarded(**issuer.settings()) as echo:
        assert (await caller(echo, bearer(issuer.token()))).name == "alice"


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        ({"roles": ["reader", "writer"]}, {"reader", "writer"}),
        ({"roles": "reader writer"}, {"reader", "writer"}),
        ({"roles": [1, None, "reader", ["writer"]]}, {"reader"}),
        ({"roles": {"reader": True}}, set()),
        ({"roles": 7}, set()),
        ({}, set()),
    ],
)
async def test_roles_are_the_texts_of_their_claim(
    echo: EchoServer, issuer: Issuer, claims: dict[str, Any], roles: set[str]
):
    assert (await caller(echo, bearer(issuer.token(**claims)))).roles == roles


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["reader"]}}),
        ("https://example.com/roles", {"https://example.com/roles": ["reader"]}),
        ("scp", {"scp": "reader"}),
    ],
)
async def test_the_claim_with_the_roles_can_be_another(issuer: Issuer, name: str, claims: dict[str, Any]):
    async with guarded(**issuer.settings(jwt_roles_claim=name)) as echo:
        assert (await caller(echo, bearer(issuer.token(**claims)))).roles == {"reader"}


async def test_roles_that_are_nested_too_deep_or_not_at_all_are_none(issuer: Issuer):
    async with guarded(**issuer.settings(jwt_roles_claim="realm_access.roles")) as echo:
        for value in ("text", ["roles"], None, {"roles": None}):
            assert (await caller(echo, bearer(issuer.token(realm_access=value)))).roles == set()


async def test_the_claim_that_names_the_caller_can_be_another(issuer: Issuer):
    async with guarded(**issuer.settings(jwt_principal_claim="oid")) as echo:
        assert (await caller(echo, bearer(issuer.token(oid="00000000-1111")))).name == "00000000-1111"
        assert await refusal(echo, bearer(issuer.token())) == "The token has no claim oid."


async def test_one_audience_of_several_is_enough(issuer: Issuer):
    async with guarded(**issuer.settings(jwt_audience="api://twins,twins")) as echo:
        assert (await caller(echo, bearer(issuer.token(aud=["others", "api://twins"])))).name == "alice"


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"exp": NOW - LEEWAY_SECONDS - 5}, "The token has expired."),
        ({"exp": 0}, "The token has expired."),
        ({"nbf": NOW + A_DAY}, "The token is not valid yet."),
        ({"iat": NOW + A_DAY}, "The token is not valid yet."),
        ({"exp": None}, "The token has no claim exp."),
        ({"aud": None}, "The token has no claim aud."),
        ({"aud": ""}, "The token has no claim aud."),
        ({"aud": []}, "The token has no claim aud."),
        ({"iss": None}, "The token has no claim iss."),
        ({"sub": None}, "The token has no claim sub."),
        ({"iss": "https://elsewhere.example"}, "The token is of another issuer than this server's."),
        ({"aud": "others"}, "The token is for another audience than this server."),
        ({"aud": ["others"]}, "The token is for another audience than this server."),
        ({"aud": {"twins": 1}}, "The token is for another audience than this server."),
        ({"aud": [["twins"]]}, "The token is for another audience than this server."),
        ({"exp": "soon"}, "The token is no JSON Web Token that can be read."),
        ({"nbf": [1]}, "The token is no JSON Web Token that can be read."),
        ({"sub": 7}, "The token is no JSON Web Token that can be read."),
        ({"sub": ""}, "The token's claim sub is no name of a caller."),
        ({"sub": "x" * 257}, "The token's claim sub is no name of a caller."),
        ({"sub": "al\x1bice"}, "The token's claim sub is no name of a caller."),
        ({"sub": "al\nice"}, "The token's claim sub is no name of a caller."),
    ],
)
async def test_a_token_that_says_something_else_is_refused(
    echo: EchoServer, issuer: Issuer, claims: dict[str, Any], told: str
):
    assert await refusal(echo, bearer(issuer.token(**claims))) == told


async def test_clocks_may_differ_a_little(echo: EchoServer, issuer: Issuer):
    now = int(time.time())
    late = issuer.token(exp=now - LEEWAY_SECONDS + 15)
    early = issuer.token(nbf=now + LEEWAY_SECONDS - 15)
    assert (await caller(echo, bearer(late))).name == (await caller(echo, bearer(early))).name == "alice"


def encoded(part: object) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def test_an_unsigned_token_is_refused(echo: EchoServer, issuer: Issuer):
    for algorithm in ("none", "None", "NONE", ""):
        token = f"{encoded({'alg': algorithm, 'kid': 'first'})}.{encoded(issuer.claims())}."
        assert await refusal(echo, bearer(token)) == "The token is not signed in a way that proves who issued it."


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_a_token_that_is_signed_with_the_public_key_as_a_secret_is_refused(issuer: Issuer, algorithm: str):
    """Libraries that go by the token's own `alg` take the public key, which everybody has, for a shared secret."""
    key = SigningKey("rsa", "RS256")
    issuer.keys = [key]
    pem = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{encoded({'alg': algorithm, 'kid': 'rsa'})}.{encoded(issuer.claims())}"
    mac = hmac.digest(pem, signed.encode(), getattr(hashlib, f"sha{algorithm[2:]}"))
    async with guarded(**issuer.settings()) as echo:
        told = await refusal(echo, bearer(f"{signed}.{encoded(mac)}"))
    assert told == "The token is not signed in a way that proves who issued it."


async def test_an_algorithm_that_does_not_fit_the_key_is_refused(echo: EchoServer, issuer: Issuer):
    stranger = SigningKey("first", "RS256")
    told = "The token is signed with a key that its issuer does not have (any more)."
    assert await refusal(echo, bearer(stranger.sign(issuer.claims()))) == told


async def test_an_algorithm_that_the_keys_own_entry_does_not_name_is_refused(issuer: Issuer):
    key = SigningKey("rsa", "RS256")
    issuer.keys = [key]
    async with guarded(**issuer.settings()) as echo:
        other = SigningKey("rsa", "RS512", private=key.private)
        told = "The token is signed with a key that its issuer does not have (any more)."
        assert await refusal(echo, bearer(other.sign(issuer.claims()))) == told


async def test_a_key_of_the_same_name_that_is_somebody_elses_proves_nothing(echo: EchoServer, issuer: Issuer):
    stranger = SigningKey("first")
    told = "The token's signature is not that of its key."
    assert await refusal(echo, bearer(stranger.sign(issuer.claims()))) == told


async def test_a_key_that_the_token_brings_along_proves_nothing(echo: EchoServer, issuer: Issuer):
    stranger = SigningKey("first")
    brought = stranger.sign(issuer.claims(), jwk=stranger.jwk(), jku=f"{issuer.url}/mine", x5u=f"{issuer.url}/mine")
    assert await refusal(echo, bearer(brought)) == "The token's signature is not that of its key."
    assert "/mine" not in issuer.asked


async def test_claims_that_were_changed_are_refused(echo: EchoServer, issuer: Issuer):
    header, _, signature = issuer.token().split(".")
    token = f"{header}.{encoded(issuer.claims(sub='root'))}.{signature}"
    assert await refusal(echo, bearer(token)) == "The token's signature is not that of its key."


async def test_a_token_that_names_no_key_is_held_against_those_that_fit(issuer: Issuer):
    issuer.keys = [SigningKey("a"), SigningKey("rsa", "RS256"), SigningKey("b")]
    async with guarded(**issuer.settings()) as echo:
        assert (await caller(echo, bearer(issuer.keys[0].sign(issuer.claims(), kid=None)))).name == "alice"
        assert (await caller(echo, bearer(issuer.keys[2].sign(issuer.claims(), kid=None)))).name == "alice"
        stranger = SigningKey("c").sign(issuer.claims(), kid=None)
        assert await refusal(echo, bearer(stranger)) == "The token's signature is not that of its key."


GARBAGE = {
    "a word": "secret",
    "two parts": "e30.e30",
    "five parts": "e30.e30.e30.e30.e30",
    "empty parts": "..",
    "no base64": "{}.{}.{}",
    "no JSON": f"{encoded(b'nothing')}.{encoded(b'nothing')}.",
    "a list": f"{encoded([])}.{encoded([])}.",
    "a kid that is no text": f"{encoded({'alg': 'ES256', 'kid': 7})}.{encoded({})}.",
    "an alg that is no text": f"{encoded({'alg': ['ES256']})}.{encoded({})}.",
    "deep": f"{encoded(b'[' * 10_000)}.{encoded(b'[' * 1_000)}.",
    "a number of many digits": f"{encoded(b'[' + b'9' * 9_000 + b']')}.{encoded({})}.",
    "an extension that has to be understood": f"{encoded({'alg': 'ES256', 'crit': ['x'], 'x': 1})}.{encoded({})}.",
}


@pytest.mark.parametrize("what", GARBAGE)
async def test_garbage_is_no_token(echo: EchoServer, what: str):
    told = await refusal(echo, bearer(GARBAGE[what]))
    assert told in {
        "The token is no JSON Web Token that can be read.",
        "The token is not signed in a way that proves who issued it.",
    }
    assert GARBAGE[what] not in told


async def test_claims_that_are_signed_and_no_object_are_refused(echo: EchoServer, issuer: Issuer):
    for payload in (b"[]", b"7", b"nothing", b"\xff", b"[" * 5_000, b'{"exp":Infinity}'):
        token = jwt.PyJWS().encode(payload, issuer.keys[0].private, "ES256", {"kid": "first"})
        assert await refusal(echo, bearer(token)) in {
            "The token is no JSON Web Token that can be read.",
            "The token has no claim iss.",
        }


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Basic YTpi", "Token abc", "abc", "", "Bearertoken", "Digest username=x"],
)
async def test_another_scheme_than_bearer_is_refused(echo: EchoServer, header: str):
    told = "The authorization header does not have the form 'Bearer TOKEN'."
    assert await refusal(echo, (("authorization", header),)) == told


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_case_of_the_scheme_does_not_matter(echo: EchoServer, issuer: Issuer, scheme: str):
    assert (await caller(echo, (("authorization", f"{scheme} {issuer.token()}"),))).name == "alice"


async def test_two_authorization_headers_are_refused_though_both_are_good(echo: EchoServer, issuer: Issuer):
    twice = (*bearer(issuer.token()), *bearer(issuer.token(sub="bob")))
    assert await refusal(echo, twice) == "There are several authorization headers."


async def test_a_token_that_is_too_long_is_refused_unread(echo: EchoServer, issuer: Issuer):
    long = issuer.token(padding="x" * MAX_TOKEN)
    assert await refusal(echo, bearer(long)) == f"The token is longer than {MAX_TOKEN} characters."
    nearly = issuer.token(padding="x" * (MAX_TOKEN * 3 // 4 - 600))
    assert len(nearly) > MAX_TOKEN * 0.95
    assert (await caller(echo, bearer(nearly))).name == "alice"


@pytest.mark.parametrize("method", METHODS)
async def test_a_call_without_a_token_is_refused_whatever_its_kind(echo: EchoServer, method: str):
    answer = await echo.call(method, "hello")
    assert (answer.code.name, reason_of(answer)) == ("UNAUTHENTICATED", MISSING)
    assert answer.details == "This server asks who calls: send a token in 'authorization: Bearer TOKEN'."
    assert echo.servicer.calls == []


async def test_a_refusal_is_counted_and_logged_with_its_reason(echo: EchoServer, issuer: Issuer):
    await refusal(echo, bearer(issuer.token(exp=1)))
    [line] = echo.access_lines()
    assert (line["code"], line["reason"], line["cause"]) == ("UNAUTHENTICATED", INVALID, "The token has expired.")
    assert "principal" not in line
    assert echo.handled("Unary") == {"Unauthenticated": 1}
    assert echo.metrics.registry.get_sample_value("twinfront_errors_total", {"reason": INVALID}) == 1


async def test_who_may_not_call_is_not_told_what_there_is(echo: EchoServer, issuer: Issuer):
    ask: Any = echo.channel.unary_unary("/test.Echo/NoSuchMethod")
    refused = await outcome(ask(b""))
    assert (refused.code.name, reason_of(refused)) == ("UNAUTHENTICATED", MISSING)
    known = await outcome(ask(b"", metadata=bearer(issuer.token())))
    assert known.code.name == "UNIMPLEMENTED"


async def test_a_request_that_cannot_be_read_is_not_looked_at_before_its_caller_is_known(
    echo: EchoServer, issuer: Issuer
):
    refused = await outcome(echo.start_raw("Unary", [b"\xff\xff"]))
    assert reason_of(refused) == MISSING
    known = await outcome(echo.start_raw("Unary", [b"\xff\xff"], metadata=bearer(issuer.token())))
    assert reason_of(known) == "INVALID_ARGUMENT"


async def test_a_token_that_was_found_good_is_not_read_again(echo: EchoServer, issuer: Issuer):
    token = issuer.token()
    assert await caller(echo, bearer(token)) is await caller(echo, bearer(token))


async def test_a_token_that_is_known_to_be_good_expires_all_the_same(echo: EchoServer, issuer: Issuer):
    token = issuer.token(exp=int(time.time()) - LEEWAY_SECONDS + 2)
    await caller(echo, bearer(token))
    time.sleep(3.1)  # noqa: ASYNC251  (nothing else has to run)
    assert await refusal(echo, bearer(token)) == "The token has expired."


async def test_no_more_tokens_are_remembered_than_fit(
    echo: EchoServer, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tokens, "MAX_REMEMBERED", 3)
    known = [issuer.token(jti=str(number)) for number in range(5)]
    for token in (*known, known[0]):
        assert (await caller(echo, bearer(token))).name == "alice"
    checker: Any = echo.authenticator
    assert len(checker._tokens._known) == 3


async def test_long_tokens_are_remembered_as_far_as_their_texts_fit(
    echo: EchoServer, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tokens, "MAX_REMEMBERED_CHARACTERS", 30_000)
    known = [issuer.token(groups=["g" * 6000], jti=str(number)) for number in range(5)]
    for token in (*known, issuer.token()):
        assert (await caller(echo, bearer(token))).name == "alice"
    checker: Any = echo.authenticator
    remembered = checker._tokens
    assert len(remembered._known) == 4
    assert remembered._characters == sum(each.characters for each in remembered._known.values())


async def test_callers_who_come_with_the_same_new_token_at_once_are_remembered_as_one(echo: EchoServer, issuer: Issuer):
    issuer.keys.append(SigningKey("second"))
    token = issuer.token()
    await asyncio.gather(*(caller(echo, bearer(token)) for _ in range(20)))
    checker: Any = echo.authenticator
    assert checker._tokens._characters == len(token)
