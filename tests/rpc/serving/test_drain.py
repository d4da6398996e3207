"""The end of a server: callers in flight get their answers, and the process its exit code."""

import collections
import signal
import threading
from collections.abc import Callable
from typing import Any, Final, Self

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from twinfront.errors import from_rpc_error
from twinfront.v1.model_service_pb2 import ListModelsRequest
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub
from twinfront.v1.query_service_pb2 import StreamQueryTwinsRequest
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub

from .process import ServedProcess, wait_until
from .upstream import UpstreamProcess

Serve = Callable[..., ServedProcess]

THREADS: Final = 48


def start_call(served: ServedProcess, channel: grpc.Channel, upstream: UpstreamProcess) -> Any:
    """A call that is in flight for as long as the upstream hangs."""
    stub = ModelServiceStub(channel)
    stub.ListModels(ListModelsRequest(), timeout=20)
    upstream.hang()
    call = stub.ListModels.future(ListModelsRequest(), timeout=30)
    wait_until(lambda: "twinfront_in_flight_requests 1.0" in served.metrics())
    return call


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_well(serve: Serve, number: signal.Signals) -> None:
    served = serve()
    served.signal(number)
    assert served.exit_code() == 0
    assert '"stopped"' in served.log()


def test_a_call_in_flight_gets_its_answer(serve: Serve, upstream: UpstreamProcess) -> None:
    served = serve(*upstream.words)
    with grpc.insecure_channel(served.address) as channel:
        call = start_call(served, channel, upstream)
        served.signal()
        wait_until(lambda: "draining" in served.log())
        upstream.go_on()
        call.result()
        assert call.code() is grpc.StatusCode.OK
    assert served.exit_code() == 0


def test_metrics_tell_of_a_drain_while_it_lasts(serve: Serve, upstream: UpstreamProcess) -> None:
    served = serve(*upstream.words)
    with grpc.insecure_channel(served.address) as channel:
        start_call(served, channel, upstream)
        before = served.metrics()
        served.signal()
        wait_until(lambda: "twinfront_draining 1.0" in served.metrics())
        during = served.metrics()
        upstream.go_on()
    assert "twinfront_draining 0.0" in before
    assert "twinfront_serving 1.0" in before
    assert "twinfront_serving 0.0" in during
    assert served.exit_code() == 0


def test_a_draining_server_takes_no_new_calls(serve: Serve, upstream: UpstreamProcess) -> None:
    served = serve(*upstream.words)
    with grpc.insecure_channel(served.address) as channel:
        call = start_call(served, channel, upstream)
        served.signal()
        wait_until(lambda: "draining" in served.log())
        with grpc.insecure_channel(served.address) as other, pytest.raises(grpc.RpcError) as refused:
            ModelServiceStub(other).ListModels(ListModelsRequest(), timeout=20)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        upstream.go_on()
        call.result()


def test_health_says_that_the_server_stops_before_its_end(serve: Serve) -> None:
    served = serve("--drain-delay=2s")
    with grpc.insecure_channel(served.address) as channel:
        stub = HealthStub(channel)
        watch = stub.Watch(HealthCheckRequest(service="twinfront.v1.ModelService"))
        assert next(watch).status == HealthCheckResponse.SERVING
        served.signal()
        assert next(watch).status == HealthCheckResponse.NOT_SERVING
        ModelServiceStub(channel).ListModels(ListModelsRequest(), timeout=20)
        assert stub.Check(HealthCheckRequest(), timeout=20).status == HealthCheckResponse.NOT_SERVING
        with pytest.raises(grpc.RpcError) as ended:
            next(watch)
    assert ended.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert served.exit_code() == 0


def test_a_health_watch_does_not_keep_the_server_up(serve: Serve) -> None:
    served = serve("--drain-grace=1h")
    with grpc.insecure_channel(served.address) as channel:
        watch = HealthStub(channel).Watch(HealthCheckRequest())
        next(watch)
        served.signal()
        assert served.exit_code() == 0


def test_a_call_that_outlasts_the_grace_is_cut_off(serve: Serve, upstream: UpstreamProcess) -> None:
    served = serve(*upstream.words, "--drain-grace=500ms")
    with grpc.insecure_channel(served.address) as channel:
        call = start_call(served, channel, upstream)
        served.signal()
        assert served.exit_code() == 0
        assert call.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


def test_a_second_signal_cuts_the_drain_short(serve: Serve, upstream: UpstreamProcess) -> None:
    served = serve(*upstream.words, "--drain-delay=1h", "--drain-grace=1h")
    with grpc.insecure_channel(served.address) as channel:
        call = start_call(served, channel, upstream)
        served.signal()
        wait_until(lambda: "draining" in served.log())
        served.signal()
        assert served.exit_code() == 0
        assert call.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


def test_calls_that_come_during_a_drain_are_told_that_nothing_was_done(serve: Serve, upstream: UpstreamProcess) -> None:
    served = serve(*upstream.words, "--drain-delay=0s")
    with grpc.insecure_channel(served.address) as channel:
        stub = ModelServiceStub(channel)
        stub.ListModels(ListModelsRequest(), timeout=20)
        served.signal()
        answers = [stub.ListModels.future(ListModelsRequest(), timeout=20) for _ in range(200)]
        codes = {answer.code() for answer in answers}
    assert codes <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
    assert served.exit_code() == 0


class Callers:
    """Callers with several threads to a connection, who call until the server is gone and count how calls end."""

    def __init__(self, address: str) -> None:
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.refused: collections.Counter[int] = collections.Counter()
        self._address = address
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(THREADS)]

    def __enter__(self) -> Self:
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        self._channels = [grpc.insecure_channel(self._address, options) for _ in range(THREADS // 4)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        for channel in self._channels:
            channel.close()

    def _call(self, number: int) -> None:
        channel = self._channels[number % len(self._channels)]
        models, queries = ModelServiceStub(channel), QueryServiceStub(channel)
        while not self._stopped.is_set():
            try:
                if number % 2:
                    models.ListModels(ListModelsRequest(), timeout=20)
                else:
                    list(queries.StreamQueryTwins(StreamQueryTwinsRequest(query="SELECT * FROM digitaltwins")))
            except grpc.RpcError as error:
                known = from_rpc_error(error)
                self.outcomes[known.reason or known.code.name] += 1
                self.refused[number] += known.reason == "SERVER_DRAINING"
            else:
                self.outcomes["OK"] += 1


@pytest.mark.grpcio_engine("callers are told to connect elsewhere when the drain begins")
def test_callers_under_load_are_refused_once_at_most_and_never_cancelled(serve: Serve) -> None:
    served = serve()
    with Callers(served.address) as callers:
        wait_until(lambda: callers.outcomes["OK"] > 200)
        served.signal()
        assert served.exit_code() == 0
        wait_until(lambda: callers.outcomes["UNAVAILABLE"] > 0)
    assert set(callers.outcomes) <= {"OK", "SERVER_DRAINING", "UNAVAILABLE"}
    assert callers.outcomes["SERVER_DRAINING"] > 0
    assert max(callers.refused.values()) == 1
