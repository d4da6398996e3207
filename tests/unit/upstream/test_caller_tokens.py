"""Tokens that are exchanged for those of callers: kept as long as they are good, and no more of them than may be."""

import asyncio

import pytest
from azure.core.credentials import AccessToken

from twinfront_server.call import Call, enter_call
from twinfront_server.upstream.sdk import on_behalf_of
from twinfront_server.upstream.sdk.credential import CredentialError
from twinfront_server.upstream.sdk.on_behalf_of import MAX_KEPT, SPARE_SECONDS, CallerTokens


class Exchanges:
    """Gives the n-th token for the n-th time that it is asked; they end after an hour."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[str] = []
        self.failure: Exception | None = None
        self.tokens = CallerTokens(self.exchange, clock=lambda: self.now)

    async def exchange(self, assertion: str) -> AccessToken:
        self.asked.append(assertion)
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return AccessToken(f"token {len(self.asked)}", int(self.now) + 3600)


@pytest.fixture
def exchanges() -> Exchanges:
    return Exchanges()


async def test_a_token_is_exchanged_again_before_what_came_of_it_ends(exchanges: Exchanges):
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
