"""Changes that the log no longer has: a watch ends, or is told and has the state anew."""

import grpc
import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from twinfront.v1 import change_service_pb2 as messages
from twinfront.v1.change_service_pb2_grpc import ChangeServiceStub

from ..services.building import add
from ..services.refusal import refused
from .watcher import watching
from .writer import Writer

KEPT = 20
TWINS = messages.INITIAL_STATE_TWINS
RESYNC = messages.ON_EXPIRED_RESYNC


pytestmark = pytest.mark.source_that(name="embedded")


@pytest.fixture(autouse=True)
def _few_changes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALTWINS_MAX_CHANGES", str(KEPT))


async def forget(write: Writer) -> None:
    """Has the log forget what was before."""
    await write.room("filler")
    for number in range(4 * KEPT):
        await write.patch("filler", add("/visits", number))


async def test_a_watch_that_comes_back_too_late_ends_and_says_how_far_the_log_reaches(
    channel: grpc.aio.Channel, write: Writer
):
    async with watching(channel) as watcher:
        token = watcher.token
    await forget(write)
    async with watching(channel, resume_token=token) as watcher:
        error = await refused(watcher.next())
    assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "CHANGES_EXPIRED")
    oldest = Timestamp()
    oldest.FromJsonString(error.metadata["oldest_time"])
    log = await ChangeServiceStub(channel).GetChangeLog(messages.GetChangeLogRequest())
    assert oldest == log.oldest_time


async def test_a_watch_that_wants_the_state_anew_is_told_why_it_comes(channel: grpc.aio.Channel, write: Writer):
    await write.rooms(["a", "b"])
    async with watching(channel, initial_state=TWINS) as watcher:
        await watcher.state()
        token = watcher.token
    await write.delete("a")
    await forget(write)
    async with watching(channel, resume_token=token, initial_state=TWINS, on_expired=RESYNC) as watcher:
        reset = (await watcher.next()).reset
        assert (reset.reason, reset.job_id) == (messages.Reset.REASON_LOG_TRIMMED, "")
        assert await watcher.state() == (["b", "filler"], [])
        await write.room("c")
        assert await watcher.told(1) == [("TWIN_CREATED", "c")]


async def test_a_break_between_the_reset_and_the_state_loses_neither(channel: grpc.aio.Channel, write: Writer):
    async with watching(channel, initial_state=TWINS) as watcher:
        await watcher.state()
        token = watcher.token
    await forget(write)
    again = {"initial_state": TWINS, "on_expired": RESYNC}
    async with watching(channel, resume_token=token, **again) as watcher:
        assert (await watcher.next()).HasField("reset")
        token = watcher.token
    async with watching(channel, resume_token=token, **again) as watcher:
        assert await watcher.state() == (["filler"], [])


async def test_a_time_before_the_log_is_refused_with_the_time_from_which_it_is_there(
    channel: grpc.aio.Channel, write: Writer
):
    await forget(write)
    async with watching(channel, start_time=Timestamp(seconds=1)) as watcher:
        error = await refused(watcher.next())
    assert (error.reason, "oldest_time" in error.metadata) == ("CHANGES_EXPIRED", True)


async def test_the_oldest_token_of_a_trimmed_log_is_good(channel: grpc.aio.Channel, write: Writer):
    await forget(write)
    log = await ChangeServiceStub(channel).GetChangeLog(messages.GetChangeLogRequest())
    async with watching(channel, resume_token=log.oldest_token) as watcher:
        assert len((await watcher.next()).changes.changes) >= 1
