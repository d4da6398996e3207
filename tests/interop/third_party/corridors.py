"""The sample building with many corridors, so that a stream of them has several messages."""

import grpc

from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2 import BatchWriteDigitalTwinsRequest, DigitalTwinWrite
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.value_pb2 import Value

from ..serving import Endpoint

SPACE = "dtmi:twinfront:sample:Space;1"
"""A model of the sample building: a name and an area, no components."""

CORRIDORS = [f"corridor-{number:03}" for number in range(250)]
"""Twins that a stream cannot answer in one message."""

FIND_CORRIDORS = "SELECT * FROM digitaltwins T WHERE T.name = 'corridor'"

STALE_ETAG = 'W/"00000000-0000-4000-8000-000000000000"'
"""An etag that no twin has."""


def build_corridors(endpoint: Endpoint) -> None:
    """Adds them to the building that is served."""
    twin = DigitalTwin(model_id=SPACE, properties={"name": Value(string_value="corridor")})
    writes = [DigitalTwinWrite(digital_twin_id=name, create_or_replace=twin) for name in CORRIDORS]
    with _channel(endpoint) as channel:
        stub = DigitalTwinServiceStub(channel)
        response = stub.BatchWriteDigitalTwins(BatchWriteDigitalTwinsRequest(writes=writes), timeout=30)
    assert not any(result.status.code for result in response.results)


def _channel(endpoint: Endpoint) -> grpc.Channel:
    if endpoint.authority is None:
        return grpc.insecure_channel(endpoint.address)
    client = endpoint.client
    key, cert = (client.key.read_bytes(), client.cert.read_bytes()) if client else (None, None)
    return grpc.secure_channel(
        endpoint.address, grpc.ssl_channel_credentials(endpoint.authority.read_bytes(), key, cert)
    )
