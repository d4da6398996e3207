"""A server that answers as no good one does, and whose connections break: what clients make of it is in a scenario."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc

from twinfront.v1.change_service_pb2_grpc import add_ChangeServiceServicer_to_server
from twinfront.v1.digital_twin_service_pb2_grpc import add_DigitalTwinServiceServicer_to_server
from twinfront.v1.graph_service_pb2_grpc import add_GraphServiceServicer_to_server
from twinfront.v1.model_service_pb2_grpc import add_ModelServiceServicer_to_server
from twinfront.v1.query_service_pb2_grpc import add_QueryServiceServicer_to_server

from .changes import Changes
from .cutting import CuttingProxy
from .services import Graphs, Models, Queries, Twins

_THREADS = 32
"""More than all clients together have calls at once."""


@contextlib.contextmanager
def odd_server() -> Iterator[str]:
    """Serves inside the block; gives the address, HOST:PORT."""
    server = grpc.server(
        ThreadPoolExecutor(_THREADS),
        options=[("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)],
    )
    port = server.add_insecure_port("127.0.0.1:0")
    with CuttingProxy(port) as proxy:
        twins = Twins(proxy.cut)  # type: ignore[abstract]  # the other RPCs are not there
        add_DigitalTwinServiceServicer_to_server(twins, server)
        add_QueryServiceServicer_to_server(Queries(proxy.cut, twins), server)
        add_GraphServiceServicer_to_server(Graphs(proxy.cut), server)
        add_ModelServiceServicer_to_server(Models(), server)  # type: ignore[abstract]  # likewise
        add_ChangeServiceServicer_to_server(Changes(proxy.cut), server)  # type: ignore[abstract]  # likewise
        server.start()
        try:
            yield proxy.address
        finally:
            server.stop(None).wait()
