"""Tokens that are exchanged for those of callers: kept as long as they are good, and no more of them than may be."""

import asyncio

import pytest
from azure.core.credentials import AccessToken

from twinfront_server.call import Call, enter_call
from twinfront_server.upstream.sdk import on_behalf_of
from twinfront_server.upstream.sdk.credential import CallerRefusedError, CredentialError
from twinfront_server.upstream.sdk.on_behalf_of import (
    MAX_KEPT,
    REFUSED_SECONDS,
    SPARE_SECONDS,
    CallerTokens,
    Refusal,
)


class Exchanges:
    """Gives the n-th token for the n-th time that it is asked; they end after an hour."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[str] = []
        self.failure: Exception | None = None
        self.refusal: Refusal | None = None
        self.tokens = CallerTokens(self.exchange, clock=lambda: self.now)

    async def exchange(self, assertion: str) -> AccessToken | Refusal:
        self.asked.append(assertion)
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        if self.refusal is not None:
            return self.refusal
        return AccessToken(f"token {len(self.asked)}", int(self.now) + 3600)


@pytest.fixture
def exchanges() -> Exchanges:
    return Exchanges()


async def test_a_token_is_exchanged_again_two_minutes_before_what_came_of_it_ends(exchanges: Exchanges):
    assert SPARE_SECONDS == 120
    assert await exchanges.tokens.token("alice", "a") == "token 1"
    exchanges.now = 3600 - SPARE_SECONDS - 1
    assert await exchanges.tokens.token("alice", "a") == "token 1"
    exchanges.now = 3600 - SPARE_SECONDS
    assert await exchanges.tokens.token("alice", "a") == "token 2"


async def test_neither_another_caller_nor_another_token_gets_it(exchanges: Exchanges):
    for principal, assertion in (("alice", "a"), ("bob", "a"), ("alice", "b")):
        await exchanges.tokens.token(principal, assertion)
    assert exchanges.asked == ["a", "a", "b"]


async def test_a_failure_is_not_kept(exchanges: Exchanges):
    exchanges.failure = KeyError("x")
    with pytest.raises(CredentialError, match="KeyError"):
        await exchanges.tokens.token("alice", "a")
    exchanges.failure = None
    assert await exchanges.tokens.token("alice", "a") == "token 2"


async def refused(exchanges: Exchanges, principal: str = "alice", assertion: str = "a") -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        await exchanges.tokens.token(principal, assertion)
    return caught.value


NOT_ALICE = Refusal("AADSTS50076: a second factor", of_the_caller=True, claims='{"access_token":{}}')


async def test_a_refusal_is_remembered_for_a_while_and_told_as_it_was(exchanges: Exchanges):
    exchanges.refusal = NOT_ALICE
    first = await refused(exchanges)
    exchanges.now = REFUSED_SECONDS - 0.1
    second = await refused(exchanges)
    for error in (first, second):
        assert isinstance(error, CallerRefusedError)
        assert (error.message, error.claims) == (NOT_ALICE.text, NOT_ALICE.claims)
    assert first is not second
    assert exchanges.asked == ["a"]
    exchanges.now = REFUSED_SECONDS
    exchanges.refusal = None
    assert await exchanges.tokens.token("alice", "a") == "token 2"


async def test_a_refusal_of_the_server_is_remembered_as_one(exchanges: Exchanges):
    exchanges.refusal = Refusal("AADSTS7000215: the secret is wrong")
    for _ in range(2):
        assert not isinstance(await refused(exchanges), CallerRefusedError)
    assert exchanges.asked == ["a"]


async def test_callers_who_wait_for_the_same_token_are_all_told_of_its_refusal(exchanges: Exchanges):
    exchanges.refusal = NOT_ALICE
    errors = await asyncio.gather(*(refused(exchanges) for _ in range(3)))
    assert [error.message for error in errors] == [NOT_ALICE.text] * 3
    assert exchanges.asked == ["a"]


async def test_a_refusal_of_one_token_is_none_of_another(exchanges: Exchanges):
    exchanges.refusal = NOT_ALICE
    await refused(exchanges)
    exchanges.refusal = None
    assert await exchanges.tokens.token("alice", "b") == "token 2"
    assert await exchanges.tokens.token("bob", "a") == "token 3"


async def test_no_more_refusals_are_remembered_than_may_be(exchanges: Exchanges, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(on_behalf_of, "MAX_REFUSED", 2)
    exchanges.refusal = NOT_ALICE
    for assertion in ("a", "b", "c", "b", "c", "a"):
        await refused(exchanges, assertion=assertion)
    assert exchanges.asked == ["a", "b", "c", "a"]


async def test_who_goes_away_leaves_the_exchange_to_those_who_wait(exchanges: Exchanges):
    first, second = (asyncio.create_task(exchanges.tokens.token("alice", "a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "token 1"
    assert len(exchanges.asked) == 1


async def test_no_more_tokens_are_kept_than_may_be(exchanges: Exchanges, monkeypatch: pytest.MonkeyPatch):
    assert MAX_KEPT == 10_000
    monkeypatch.setattr(on_behalf_of, "MAX_KEPT", 2)
    for assertion in ("a", "b", "a", "c"):
        await exchanges.tokens.token("alice", assertion)
    assert await exchanges.tokens.token("alice", "a") == "token 1"
    await exchanges.tokens.token("alice", "b")
    assert exchanges.asked == ["a", "b", "c", "b"]


async def test_an_exchange_that_hangs_ends(monkeypatch: pytest.MonkeyPatch):
    async def hang(_assertion: str) -> AccessToken:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(on_behalf_of, "_EXCHANGE_SECONDS", 0.01)
    with pytest.raises(CredentialError, match="TimeoutError"):
        await CallerTokens(hang).token("alice", "a")


async def test_a_call_without_a_token_reaches_nobody(exchanges: Exchanges):
    enter_call(Call(call_id="", method="twinfront.v1.QueryService/QueryTwins", deadline=None))
    policy = on_behalf_of.CallerCredentialPolicy(exchanges.tokens)
    with pytest.raises(CredentialError, match="without a token"):
        await policy.send(None)  # type: ignore[arg-type]  # never looked at
