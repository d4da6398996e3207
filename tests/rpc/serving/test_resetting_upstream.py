"""An upstream that resets connections as soon as they are made, as a load balancer without servers behind it does.

Callers are told that the upstream is not there, and keep their own connections. TWINFRONT_RESETS sets how often the
upstream goes away for four seconds.
"""

import collections
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Self

import grpc
import pytest

from twinfront.errors import from_rpc_error
from twinfront.v1.model_service_pb2 import ListModelsRequest
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub

from . import upstream as localtwins
from .hop import Hop
from .process import ServedProcess, wait_until

TIMES = int(os.environ.get("TWINFRONT_RESETS", "1"))
SECONDS = 4.0
CALLERS = 8

Serve = Callable[..., ServedProcess]


@pytest.fixture
def hop(upstream_over_tls: localtwins.UpstreamProcess) -> Iterator[Hop]:
    with Hop(upstream_over_tls.port) as hop:
        yield hop


class Callers:
    """Callers with a connection each, who call until they are stopped."""

    def __init__(self, address: str) -> None:
        self.outcomes: collections.Counter[str] = collections.Counter()
        self._address = address
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(CALLERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        with grpc.insecure_channel(self._address, options) as channel:
            list_models = ModelServiceStub(channel).ListModels
            while not self._stopped.is_set():
                try:
                    list_models(ListModelsRequest(), timeout=30)
                except grpc.RpcError as error:
                    self.outcomes[from_rpc_error(error).reason or str(error)] += 1
                else:
                    self.outcomes["OK"] += 1


@pytest.mark.timeout(120 + TIMES * 12)
def test_callers_are_told_that_the_upstream_is_not_there_and_keep_their_connections(
    serve: Serve, hop: Hop, upstream_over_tls: localtwins.UpstreamProcess
) -> None:
    served = serve(
        *upstream_over_tls.words_for(hop.port), "--log-level=error", "--health-interval=500ms", "--upstream-failures=0"
    )
    with Callers(served.address) as callers:
        for _ in range(TIMES):
            hop.reset()
            time.sleep(SECONDS)
            hop.pass_on()
            answered = callers.outcomes["OK"]
            wait_until(lambda answered=answered: callers.outcomes["OK"] > answered + 100)  # type: ignore[misc]
    assert set(callers.outcomes) == {"OK", "UPSTREAM_UNAVAILABLE"}
    assert hop.resets > 100
    assert served.log() == ""
    served.signal()
    assert served.exit_code() == 0
