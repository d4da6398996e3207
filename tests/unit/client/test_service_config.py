"""The service config that is shipped with the stubs."""

import json

import pytest

from twinfront._service_config import channel_service_config, default_timeout
from twinfront.v1 import digital_twin_service_pb2, model_service_pb2, relationship_service_pb2

RPCS = [
    f"{service.full_name}/{method.name}"
    for file in (digital_twin_service_pb2, relationship_service_pb2, model_service_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


@pytest.mark.parametrize("rpc", RPCS)
def test_every_rpc_is_in_exactly_one_group(rpc: str) -> None:
    groups = json.loads(channel_service_config())["methodConfig"]
    named = [f"{name['service']}/{name['method']}" for group in groups for name in group["name"]]
    assert named.count(rpc) == 1


@pytest.mark.parametrize(
    ("method", "seconds"), [("GetDigitalTwin", 30), ("UpdateDigitalTwin", 60), ("CreateModels", 300)]
)
def test_calls_have_a_default_timeout(method: str, seconds: int) -> None:
    assert default_timeout(method) == seconds


def test_the_channel_gets_no_timeouts_as_it_would_cut_longer_ones_of_the_caller() -> None:
    assert "timeout" not in channel_service_config()


def test_a_method_without_a_group_is_a_fault() -> None:
    with pytest.raises(LookupError, match="does not name Teleport"):
        default_timeout("Teleport")
