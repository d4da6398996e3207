"""A caller that always has many calls in flight; run as `python flood.py ADDRESS CALLS`, until it is ended.

For each line that it reads it writes one: how many of them have been answered so far.
"""

import asyncio
import sys
from typing import TypeAlias

import grpc.aio

from twinfront.v1.digital_twin_service_pb2 import GetDigitalTwinRequest

CALLS_A_CONNECTION = 1000

_REQUEST = GetDigitalTwinRequest(digital_twin_id="machine1").SerializeToString()

RawCall: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"


class Flood:
    """The calls.

    Attributes:
        answered: how many have been answered so far.
    """

    def __init__(self) -> None:
        self.answered = 0

    async def flow(self, get: RawCall) -> None:
        """Makes one call after the other; who is refused comes back later."""
        while True:
            try:
                await get(_REQUEST)
                self.answered += 1
            except grpc.aio.AioRpcError:
                await asyncio.sleep(1)

    async def tell(self) -> None:
        """Writes how many have been answered, whenever it is asked."""
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while await lines.readline():
            print(self.answered, flush=True)


async def main(address: str, calls: int) -> None:
    """Floods a server."""
    flood = Flood()
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(address, options) for _ in range(-(-calls // CALLS_A_CONNECTION))]
    gets: list[RawCall] = [
        channel.unary_unary("/twinfront.v1.DigitalTwinService/GetDigitalTwin") for channel in channels
    ]
    await asyncio.gather(flood.tell(), *(flood.flow(gets[number % len(gets)]) for number in range(calls)))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
