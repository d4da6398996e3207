"""A write whose answer was lost is looked at, and sent again as long as that makes sense."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import orjson
import pytest
from tests.clock import Clock

from twinfront_server.adt.answer import Answer
from twinfront_server.adt.body import Body
from twinfront_server.call import Call
from twinfront_server.errors import (
    TwinfrontError,
    etag_mismatch,
    invalid_argument,
    outcome_unknown,
    resource_error,
    upstream_throttled,
    upstream_unavailable,
)
from twinfront_server.reasons import Reason
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.reads import Reads
from twinfront_server.upstream.settling.sent_writes import SentWrites
from twinfront_server.upstream.settling.settle import settle

CALL = Call("id", "twinfront.v1.DigitalTwinService/CreateOrReplaceDigitalTwin", None)
IDS = {"digital_twin_id": "room"}
DOCUMENT = {"$metadata": {"$model": "dtmi:a;1"}, "temperature": 2}
PUT = Asked(operations.PUT_DIGITAL_TWIN, IDS, Body(orjson.dumps(DOCUMENT), "digital_twin"))
PATCH = Asked(
    operations.PATCH_DIGITAL_TWIN,
    IDS,
    Body(b'[{"op": "replace", "path": "/temperature", "value": 2}]', "patch"),
    if_match="1",
)
LOST = outcome_unknown("Read it.")
MISSING = resource_error(Reason.TWIN_NOT_FOUND, "twinfront.v1.DigitalTwin", "room", "No.")
AS_PUT = Answer(orjson.dumps({"$dtId": "room", "$etag": "2", **DOCUMENT}), "2")


class Upstream:
    """Answers reads and repeated writes one after another, the last thing again and again."""

    def __init__(self, reads: list[Answer | TwinfrontError], sends: list[Answer | TwinfrontError]) -> None:
        self._reads = reads
        self._sends = sends
        self.read_times: list[float] = []
        self.sent_times: list[float] = []
        self.counted: list[str] = []

    async def resource(self, _asked: Asked) -> Answer:
        self.read_times.append(asyncio.get_running_loop().time())
        return _next(self._reads)

    async def send(self) -> Answer:
        self.sent_times.append(asyncio.get_running_loop().time())
        return _next(self._sends)

    async def settle(self, asked: Asked, writes: SentWrites | None = None) -> Answer:
        writes = writes or SentWrites()
        write = writes.begin(asked, CALL)
        return await settle(cast("Reads", self), writes, write, self.send, LOST, self.counted.append)


def _next(answers: list[Any]) -> Answer:
    answer = answers.pop(0) if len(answers) > 1 else answers[0]
    if isinstance(answer, TwinfrontError):
        raise answer
    return cast("Answer", answer)


async def test_a_write_whose_effect_is_there_was_applied():
    upstream = Upstream([AS_PUT], [LOST])
    assert await upstream.settle(PUT) == AS_PUT
    assert (upstream.sent_times, upstream.counted) == ([], ["applied"])


async def test_a_write_that_was_not_applied_is_sent_again():
    upstream = Upstream([MISSING], [Answer(b"sent", "3")])
    assert await upstream.settle(PUT) == Answer(b"sent", "3")
    assert (len(upstream.sent_times), upstream.counted) == (1, ["repeated"])


async def test_a_write_is_sent_again_six_times_at_the_most_after_longer_and_longer_pauses(clock: Clock):
    clock.stand_still()
    upstream = Upstream(
        [MISSING], [LOST, upstream_unavailable("Down."), upstream_throttled("", metadata={}, retry_after=1)]
    )
    began = asyncio.get_running_loop().time()
    settling = asyncio.ensure_future(upstream.settle(PUT))
    await asyncio.sleep(0)
    await clock.advance(29)
    with pytest.raises(TwinfrontError) as told:
        await settling
    assert told.value is LOST
    moments = [began, *upstream.sent_times]
    pauses = [later - earlier for earlier, later in zip(moments, upstream.sent_times, strict=False)]
    assert len(pauses) == 6
    for pause, longest in zip(pauses, [0.05, 0.2, 0.8, 2.0, 2.0, 2.0], strict=True):
        assert longest / 2 - 1e-6 <= pause <= longest + 1e-6
    assert len(upstream.read_times) == 7
    assert upstream.counted == ["unknown"]


async def test_the_last_look_may_find_the_effect(clock: Clock):
    clock.stand_still()
    upstream = Upstream([*[MISSING] * 6, AS_PUT], [LOST])
    settling = asyncio.ensure_future(upstream.settle(PUT))
    await asyncio.sleep(0)
    await clock.advance(29)
    assert await settling == AS_PUT
    assert upstream.counted == ["applied"]


async def test_settling_ends_after_30_seconds(clock: Clock):
    clock.stand_still()
    upstream = Upstream([MISSING], [LOST])
    upstream.send = lambda: asyncio.sleep(3600, AS_PUT)  # type: ignore[method-assign]  # an upstream that hangs
    settling = asyncio.ensure_future(upstream.settle(PUT))
    await asyncio.sleep(0)
    await clock.advance(29.9)
    assert not settling.done()
    await clock.advance(0.2)
    with pytest.raises(TwinfrontError) as told:
        await settling
    assert told.value is LOST
    assert upstream.counted == ["unknown"]


REFUSED = invalid_argument("digital_twin", "is odd")
CONFLICT = etag_mismatch("digitaltwins/room", expected="1")


@pytest.mark.parametrize(
    ("asked", "reads", "refusal", "told"),
    [
        (PUT, [MISSING], REFUSED, REFUSED),
        (PUT, [MISSING, AS_PUT], REFUSED, AS_PUT),
        (PATCH, [Answer(b'{"$dtId":"room","$etag":"1"}', "1")], REFUSED, REFUSED),
        (PATCH, [Answer(b'{"$dtId":"room","$etag":"1"}', "1")], CONFLICT, LOST),
        (PATCH, [Answer(b'{"$dtId":"room","$etag":"1"}', "1"), MISSING], CONFLICT, LOST),
        (PUT, [MISSING, upstream_unavailable("Down.")], REFUSED, LOST),
        (PUT, [Answer(b"[]", "1")], REFUSED, LOST),
    ],
    ids=["genuine", "applied", "patch", "of-two-minds", "gone-meanwhile", "not-read", "no-twin"],
)
async def test_a_refusal_of_a_write_that_was_sent_again_is_told_if_it_is_not_the_write_s_own_doing(
    asked: Asked, reads: list[Any], refusal: TwinfrontError, told: object
):
    upstream = Upstream(reads, [refusal])
    outcome: object
    try:
        outcome = await upstream.settle(asked)
    except TwinfrontError as error:
        outcome = error
    assert outcome is told
    assert upstream.counted == ["repeated" if told is REFUSED else "applied" if told is AS_PUT else "unknown"]


@pytest.mark.parametrize(
    ("told", "is_known"),
    [(lambda: Answer(b"", "2"), True), (lambda: REFUSED, False)],
    ids=["answered", "refused"],
)
async def test_a_write_that_was_sent_again_is_no_rival_without_an_answer(
    told: Callable[[], Answer | TwinfrontError], is_known: bool
):
    writes = SentWrites()
    upstream = Upstream([Answer(b'{"$dtId":"room","$etag":"1"}', "1")], [told()])
    await asyncio.gather(upstream.settle(PATCH, writes), return_exceptions=True)
    later = writes.begin(PATCH, CALL)
    found, answer = {"$dtId": "room", "$etag": "2", "temperature": 2}, Answer(b"", "2")
    assert not writes.rivals_possible(later, found, answer)
    assert writes.disproves(later, found, answer) is is_known
