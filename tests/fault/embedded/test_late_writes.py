"""Writes that land when their callers have been answered: a deadline has passed, and the request was still on its way.

A conflict with such a write is a true one, because the etag is not current; it is not laid to a stranger.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from azure.core.exceptions import ServiceResponseError
from azure.core.rest import HttpRequest

from localtwins.transport import LocalResponse, LocalTransport
from twinfront import (
    DeadlineExceededError,
    EtagMismatchError,
    NotFoundError,
    RelationshipNotFoundError,
    TwinNotFoundError,
    patch,
)

from .house import serving
from .lost_writes import Client, door_etag, etag_of
from .test_injected_faults import DOOR, LOBBY, furnish

OWN = "ended without an answer"
Send = Callable[[LocalTransport, HttpRequest], Awaitable[LocalResponse]]


class Hop:
    """Holds the first request of a method back, whatever becomes of its caller, until it is let go.

    With `breaks` the connection of that one breaks, and what is sent again comes after it.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, method: str, *, breaks: bool = False) -> None:
        send: Send = LocalTransport.send
        self._landed: asyncio.Task[LocalResponse] | None = None
        self._come = asyncio.Event()
        self._go = asyncio.Event()

        async def late(transport: LocalTransport, request: HttpRequest) -> LocalResponse:
            await self._go.wait()
            return await send(transport, request)

        async def sent(transport: LocalTransport, request: HttpRequest, **_options: object) -> LocalResponse:
            if request.method != method or self._landed is not None:
                if request.method == method and breaks:
                    await self._come_and_gone()
                return await send(transport, request)
            self._landed = asyncio.create_task(late(transport, request))
            self._come.set()
            if breaks:
                raise ServiceResponseError("The connection was reset.")
            return await asyncio.shield(self._landed)

        monkeypatch.setattr(LocalTransport, "send", sent)

    async def let_go(self) -> None:
        await self._come.wait()
        self._go.set()
        await self._come_and_gone()

    async def _come_and_gone(self) -> None:
        assert self._landed is not None
        assert (await asyncio.shield(self._landed)).status_code < 300


async def cut_off(call: Awaitable[object]) -> DeadlineExceededError:
    with pytest.raises(DeadlineExceededError) as raised:
        await call
    return raised.value


async def test_a_deadline_that_cuts_a_write_off_says_so(monkeypatch: pytest.MonkeyPatch):
    async with serving() as house:
        await furnish(house.client)
        Hop(monkeypatch, "PATCH")
        error = await cut_off(
            house.client.update_digital_twin("lobby", patch().replace("/temperature", 1.0), timeout=0.4)
        )
        assert "may have been applied, or still be: read digitaltwins/lobby" in error.message


async def test_a_deadline_that_cuts_no_write_off_says_nothing_of_one(monkeypatch: pytest.MonkeyPatch):
    async with serving() as house:
        await furnish(house.client)
        Hop(monkeypatch, "GET")
        error = await cut_off(house.client.get_digital_twin("lobby", timeout=0.4))
        assert "applied" not in error.message


async def test_a_write_with_a_request_id_goes_on_and_its_repetition_hears_of_it(monkeypatch: pytest.MonkeyPatch):
    async with serving() as house:
        await furnish(house.client)
        etag = await etag_of(house.client)
        hop = Hop(monkeypatch, "PATCH")
        step = patch().replace("/temperature", 1.0)
        error = await cut_off(
            house.client.update_digital_twin("lobby", step, if_match=etag, request_id="once", timeout=0.4)
        )
        assert "same request_id" in error.message
        await hop.let_go()
        written = await house.client.update_digital_twin("lobby", step, if_match=etag, request_id="once")
        assert written == await etag_of(house.client) != etag


@pytest.mark.parametrize("write", ["update", "update_component", "merge", "replace"])
async def test_a_conflict_with_a_late_write_is_one_and_is_not_laid_to_a_stranger(
    monkeypatch: pytest.MonkeyPatch, write: str
):
    async def again(client: Client, etag: str) -> object:
        match write:
            case "update":
                return await client.update_digital_twin("lobby", patch().replace("/temperature", 2.0), if_match=etag)
            case "update_component":
                step = patch().add("/setpoint", 2.0)
                return await client.update_component("lobby", "thermostat", step, if_match=etag)
            case "merge":
                return await client.merge_digital_twin("lobby", {"temperature": 2.0}, if_match=etag)
            case _:
                return await client.create_or_replace_digital_twin("lobby", LOBBY, if_match=etag)

    async with serving() as house:
        client = house.client
        await furnish(client)
        etag = await etag_of(client)
        hop = Hop(monkeypatch, "PATCH")
        await cut_off(
            client.update_digital_twin("lobby", patch().replace("/temperature", 1.0), if_match=etag, timeout=0.4)
        )
        assert await etag_of(client) == etag, "the caller looks, and sees nothing of its write"
        await hop.let_go()
        with pytest.raises(EtagMismatchError) as conflict:
            await again(client, etag)
        current = await etag_of(client)
        assert conflict.value.current_etag == current
        await again(client, current)
        if write in {"update", "update_component"}:  # the others look before they write
            assert OWN in conflict.value.message


async def test_a_conflict_of_a_relationship_with_a_late_write(monkeypatch: pytest.MonkeyPatch):
    async with serving() as house:
        client = house.client
        await furnish(client)
        etag = await door_etag(client)
        hop = Hop(monkeypatch, "PATCH")
        step = patch().replace("/width", 1.5)
        await cut_off(client.update_relationship("lobby", "door", step, if_match=etag, timeout=0.4))
        await hop.let_go()
        with pytest.raises(EtagMismatchError, match=OWN):
            await client.update_relationship("lobby", "door", patch().replace("/width", 2.5), if_match=etag)


@pytest.mark.parametrize("etagged", [False, True])
async def test_a_twin_that_a_late_deletion_took_away(monkeypatch: pytest.MonkeyPatch, etagged: bool):
    async with serving() as house:
        client = house.client
        await furnish(client)
        await client.create_or_replace_digital_twin("cellar", LOBBY)
        etag = await etag_of(client, "cellar") if etagged else ""
        hop = Hop(monkeypatch, "DELETE")
        await cut_off(client.delete_digital_twin("cellar", if_match=etag or None, timeout=0.4))
        await client.get_digital_twin("cellar")
        await hop.let_go()
        for call in (
            client.update_digital_twin("cellar", patch().replace("/temperature", 1.0)),
            client.create_or_replace_relationship("cellar", "door", DOOR),
            client.delete_digital_twin("cellar"),
        ):
            with pytest.raises(TwinNotFoundError, match=OWN):
                await call


async def test_a_relationship_that_a_late_deletion_took_away(monkeypatch: pytest.MonkeyPatch):
    async with serving() as house:
        client = house.client
        await furnish(client)
        hop = Hop(monkeypatch, "DELETE")
        await cut_off(client.delete_relationship("lobby", "door", timeout=0.4))
        await hop.let_go()
        with pytest.raises(RelationshipNotFoundError, match=OWN):
            await client.update_relationship("lobby", "door", patch().replace("/width", 1.5))


async def test_what_a_stranger_did_is_not_laid_to_a_late_write(monkeypatch: pytest.MonkeyPatch):
    async with serving() as house:
        client = house.client
        await furnish(client)
        etag = await etag_of(client)
        Hop(monkeypatch, "PATCH")
        await cut_off(
            client.update_digital_twin("lobby", patch().replace("/temperature", 1.0), if_match=etag, timeout=0.4)
        )
        await client.create_or_replace_digital_twin("lobby", {**LOBBY, "temperature": 3.0})
        with pytest.raises(EtagMismatchError) as conflict:
            await client.update_digital_twin("lobby", patch().replace("/temperature", 2.0), if_match=etag)
        assert OWN not in conflict.value.message
        with pytest.raises(NotFoundError) as missing:
            await client.update_digital_twin("nowhere", patch().replace("/temperature", 2.0))
        assert OWN not in missing.value.message


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_the_etag_of_a_settled_write_is_its_own_though_the_content_was_there_before(
    monkeypatch: pytest.MonkeyPatch, method: str
):
    """The connection broke while the write was on its way, and it lands before it is sent again."""
    async with serving() as house:
        client = house.client
        await furnish(client)

        async def written() -> str:
            if method == "PATCH":
                return await client.update_relationship("lobby", "door", patch().replace("/width", 1.5))
            return (await client.create_or_replace_relationship("lobby", "door", DOOR)).etag

        before = await written()
        hop = Hop(monkeypatch, method, breaks=True)
        call = asyncio.create_task(written())
        await hop.let_go()
        assert before != await call == await door_etag(client)
