"""A caller that went away while its write was under way, and what it finds when it comes back."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from twinfront.errors import from_rpc_error
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2 import (
    CreateOrReplaceDigitalTwinRequest,
    GetDigitalTwinRequest,
    UpdateDigitalTwinRequest,
)
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.model_service_pb2 import CreateModelsRequest
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub

from .process import ServedProcess, wait_until
from .upstream import UpstreamProcess

Serve = Callable[..., ServedProcess]

MODEL = '{"@id": "dtmi:example:Lamp;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}'
ORPHAN = "a write ended without its caller"


def switch(request_id: str) -> UpdateDigitalTwinRequest:
    """A patch of nothing, which gives the twin a new etag all the same."""
    return UpdateDigitalTwinRequest(digital_twin_id="lamp", request_id=request_id)


def create_lamp(channel: grpc.Channel) -> str:
    """Creates a twin and returns its etag."""
    ModelServiceStub(channel).CreateModels(CreateModelsRequest(dtdl_models=[MODEL]))
    lamp = DigitalTwin(model_id="dtmi:example:Lamp;1")
    request = CreateOrReplaceDigitalTwinRequest(digital_twin_id="lamp", digital_twin=lamp)
    return str(DigitalTwinServiceStub(channel).CreateOrReplaceDigitalTwin(request).etag)


def etag(address: str) -> str:
    """The lamp's etag."""
    with grpc.insecure_channel(address) as channel:
        request = GetDigitalTwinRequest(digital_twin_id="lamp")
        return str(DigitalTwinServiceStub(channel).GetDigitalTwin(request, timeout=20).etag)


@pytest.fixture
def served(serve: Serve, upstream: UpstreamProcess) -> ServedProcess:
    return serve(*upstream.words)


def leave_in_the_middle(served: ServedProcess, upstream: UpstreamProcess, request_id: str) -> str:
    """Starts a write, cancels it while the upstream hangs, and returns the etag from before."""
    with grpc.insecure_channel(served.address) as channel:
        before = create_lamp(channel)
        upstream.hang()
        call: Any = DigitalTwinServiceStub(channel).UpdateDigitalTwin.future(switch(request_id), timeout=60)
        wait_until(lambda: "twinfront_in_flight_requests 1.0" in served.metrics())
        call.cancel()
    wait_until(lambda: "twinfront_in_flight_requests 0.0" in served.metrics())
    return before


def test_the_write_of_a_lost_caller_is_done_once_and_its_answer_waits(served: ServedProcess, upstream: UpstreamProcess):
    before = leave_in_the_middle(served, upstream, "id")
    upstream.go_on()
    wait_until(lambda: ORPHAN in served.log())
    done = etag(served.address)
    with grpc.insecure_channel(served.address) as channel:
        answer = DigitalTwinServiceStub(channel).UpdateDigitalTwin(switch("id"), timeout=20)
    assert answer.etag == done != before
    assert etag(served.address) == done


def test_a_caller_that_comes_back_early_waits_for_its_write(served: ServedProcess, upstream: UpstreamProcess):
    leave_in_the_middle(served, upstream, "id")
    with grpc.insecure_channel(served.address) as channel:
        call: Any = DigitalTwinServiceStub(channel).UpdateDigitalTwin.future(switch("id"), timeout=60)
        wait_until(lambda: "twinfront_replayed_outcomes_total 1.0" in served.metrics())
        upstream.go_on()
        assert call.result().etag == etag(served.address)


def test_a_server_that_stops_waits_for_a_write_without_its_caller(
    served: ServedProcess, upstream: UpstreamProcess, serve: Serve
):
    before = leave_in_the_middle(served, upstream, "id")
    served.signal()
    wait_until(lambda: "draining" in served.log())
    upstream.go_on()
    assert served.exit_code() == 0
    assert ORPHAN in served.log()
    assert etag(serve(*upstream.words).address) != before


def test_a_server_that_stops_does_not_wait_for_a_write_for_ever(serve: Serve, upstream: UpstreamProcess):
    served = serve(*upstream.words, "--drain-grace", "1s")
    leave_in_the_middle(served, upstream, "id")
    served.signal()
    assert served.exit_code() == 0


def test_who_meets_the_write_of_a_lost_caller_is_told_that_it_may_have_been_its_own(
    served: ServedProcess, upstream: UpstreamProcess
) -> None:
    before = leave_in_the_middle(served, upstream, "id")
    upstream.go_on()
    wait_until(lambda: ORPHAN in served.log())
    with grpc.insecure_channel(served.address) as channel:
        another = UpdateDigitalTwinRequest(digital_twin_id="lamp", request_id="another", if_match=before)
        with pytest.raises(grpc.RpcError) as caught:
            DigitalTwinServiceStub(channel).UpdateDigitalTwin(another, timeout=20)
    error = from_rpc_error(caught.value)
    assert error.reason == "ETAG_MISMATCH"
    assert "which ended without an answer, may be the reason" in error.message
