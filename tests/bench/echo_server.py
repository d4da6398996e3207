"""The floor: a server on uvloop with one method that answers the bytes it is sent; run as `echo_server.py ENGINE`."""

import sys
from importlib import import_module
from typing import Any

import grpc
import grpc.aio
import uvloop


def _server(engine: str) -> grpc.aio.Server:
    if engine == "grpcio":
        return grpc.aio.server()
    made: grpc.aio.Server = import_module("pygrpc_native.aio").server()
    return made


async def main(engine: str) -> None:
    """Serves on a free port, prints the address and goes on until it is stopped."""
    server = _server(engine)
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(_echo)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", {"Echo": handler}),))
    if engine != "grpcio":  # which is quicker with generic handlers, where the other one has a detour for them
        server.add_registered_method_handlers("bench.Echo", {"Echo": handler})
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


async def _echo(request: bytes, _context: Any) -> bytes:
    return request


uvloop.run(main(sys.argv[1]))
