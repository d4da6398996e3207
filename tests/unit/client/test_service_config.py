"""The service config that is shipped with the stubs."""

import pytest

from twinfront._service_config import channel_service_config, default_timeout


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
