"""Reads a room with the generated stubs: its temperature as a double, however it was written.

It needs a server with the sample building: TWINFRONT_ADDRESS, or localhost:50051.
"""

import os

import grpc

from twinfront import TwinNotFoundError, as_double, from_rpc_error
from twinfront.v1.digital_twin_service_pb2 import GetDigitalTwinRequest
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub


def main() -> None:
    """Reads a room, and one that is not there."""
    with grpc.insecure_channel(os.environ.get("TWINFRONT_ADDRESS", "localhost:50051")) as channel:
        twins = DigitalTwinServiceStub(channel)
        room = twins.GetDigitalTwin(GetDigitalTwinRequest(digital_twin_id="room-001")).digital_twin
        print("room-001 has", as_double(room.properties["temperature"]))
        try:
            twins.GetDigitalTwin(GetDigitalTwinRequest(digital_twin_id="no-such-room"))
        except grpc.RpcError as error:
            print(isinstance(from_rpc_error(error), TwinNotFoundError))


if __name__ == "__main__":
    main()
