"""Calls to the front: as bytes over gRPC's C core, and by the Python client as its users make them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import grpc.aio
from workload import OPERATIONS, PAGE, QUERY, TWINS, Operation, RawCall, metadata, name_of, twin_json

from load.job import BlockingCall, Call, Job
from load.twin_calls import twin_calls
from twinfront import CreateOrReplace, TwinfrontClient

_IMPORTED: Final = 2_000
"""Twins of one ImportGraph."""
_BATCH: Final = 100
"""Writes of one BatchWriteDigitalTwins."""

_OPTIONS: Final = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", 1 << 26)]


async def open_raw(job: Job) -> Mapping[str, Any]:
    """Opens a channel whose calls take and give bytes."""
    channel = grpc.aio.insecure_channel(job.address, _OPTIONS)
    sent = metadata(job.token)

    def calling(operation: Operation) -> Call:
        send: RawCall = channel.unary_unary(operation.method)
        requests = operation.requests(job.properties)

        async def call(_: int) -> int:
            await send(next(requests), metadata=sent)
            return 1

        return call

    return _Lazily(calling)


async def open_client(job: Job) -> Mapping[str, BlockingCall]:
    """Opens the client of the package; what it gives is read to its end."""
    client = TwinfrontClient(job.address)

    def page(_: int) -> int:
        return len(next(client.query(QUERY, page_size=PAGE).pages()))

    def stream(_: int) -> int:
        return sum(1 for _ in client.stream_query(QUERY))

    def imports(number: int) -> int:
        twins = (twin_json(TWINS + index, float(number)) for index in range(_IMPORTED))
        progress = client.import_graph(twins, failures_only=True).run().progress
        if progress.failed:
            message = f"{progress.failed} items were not imported"
            raise RuntimeError(message)
        return _IMPORTED

    def batch(number: int) -> int:
        first = TWINS + number * _BATCH % TWINS
        writes = [CreateOrReplace(name_of(at), twin_json(at, float(number))) for at in range(first, first + _BATCH)]
        for result in client.batch_write_digital_twins(writes):
            if result.error is not None:
                raise result.error
        return _BATCH

    return {
        **twin_calls(client, client.create_or_replace_digital_twin),
        "page of 100": page,
        "stream": stream,
        "import": imports,
        "batch": batch,
    }


class _Lazily(dict[str, Call]):
    """Operations that are made, with their requests, when they are first asked for."""

    def __init__(self, calling: Callable[[Operation], Call]) -> None:
        self._calling = calling

    def __missing__(self, name: str) -> Call:
        self[name] = call = self._calling(OPERATIONS[name])
        return call
