"""Requests that make no sense: each is refused by its field."""

from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from twinfront.v1 import change_service_pb2 as messages
from twinfront.v1.change_service_pb2_grpc import ChangeServiceStub
from twinfront_server.app import App
from twinfront_server.settings import Settings

from ...fault.fault_server import Answer, fault_server
from ..services.refusal import refused, refused_field
from .watcher import watching

pytestmark = pytest.mark.source_that(name="embedded")

TWINS = messages.INITIAL_STATE_TWINS


@pytest.mark.parametrize(
    ("request_fields", "field"),
    [
        ({"checkpoint_interval": Duration()}, "checkpoint_interval"),
        ({"checkpoint_interval": Duration(nanos=999_999_999)}, "checkpoint_interval"),
        ({"checkpoint_interval": Duration(seconds=301)}, "checkpoint_interval"),
        ({"checkpoint_interval": Duration(seconds=3600)}, "checkpoint_interval"),
        ({"checkpoint_interval": Duration(seconds=-5)}, "checkpoint_interval"),
        ({"checkpoint_interval": Duration(seconds=2**62)}, "checkpoint_interval"),
        ({"start_time": Timestamp(seconds=2**40)}, "start_time"),
        ({"start_time": Timestamp(seconds=-(2**40))}, "start_time"),
        ({"start_time": Timestamp(seconds=1, nanos=-1)}, "start_time"),
        ({"start_time": Timestamp(seconds=4_000_000_000)}, "start_time"),
        ({"start_time": Timestamp(seconds=1), "initial_state": TWINS}, "start_time"),
        ({"start_time": Timestamp(seconds=1), "resume_token": "x"}, "start_time"),
        ({"initial_state": 9}, "initial_state"),
        ({"on_expired": 9}, "on_expired"),
        ({"on_expired": messages.ON_EXPIRED_RESYNC}, "on_expired"),
        ({"content": 9}, "content"),
        ({"representation": 9}, "representation"),
    ],
)
async def test_a_watch_that_makes_no_sense_is_refused_by_its_field(
    channel: grpc.aio.Channel, request_fields: dict[str, Any], field: str
):
    async with watching(channel, **({"resume_token": ""} | request_fields)) as watcher:
        assert await refused_field(watcher.next()) == field


@pytest.mark.parametrize(
    "interval", [Duration(seconds=1), Duration(seconds=300), Duration(seconds=1, nanos=500_000_000)]
)
async def test_an_interval_within_bounds_is_taken(channel: grpc.aio.Channel, interval: Duration):
    async with watching(channel, checkpoint_interval=interval) as watcher:
        assert watcher.token


async def test_without_a_source_of_changes_both_calls_say_so(settings: Settings):
    async with fault_server() as upstream:
        upstream.on("", Answer(404, {"error": {"code": "NotFound", "message": "Azure has no such path."}}))
        azure = settings.changed(upstream=upstream.url, upstream_credential="none")
        async with (
            App(azure) as app,
            grpc.aio.insecure_channel(str(app.address)) as channel,
            watching(channel, resume_token="") as watcher,
        ):
            log = ChangeServiceStub(channel).GetChangeLog(messages.GetChangeLogRequest())
            for error in (await refused(watcher.next()), await refused(log)):
                assert (error.code, error.reason) == (grpc.StatusCode.UNIMPLEMENTED, "CHANGES_UNSUPPORTED")
                assert "--changes" in str(error)
