"""How long a text may be: what has just that length is taken, and a character more is not."""

import pytest

from localtwins.allowed_storage import Location
from localtwins.engine.identifiers import check_model_id
from localtwins.errors import AdtError
from localtwins.faults import parse_faults


def test_the_id_of_a_model_has_at_most_2048_characters():
    def model_id(length: int) -> str:
        return "dtmi:" + "a" * (length - len("dtmi:;1")) + ";1"

    check_model_id(model_id(2048))
    with pytest.raises(AdtError):
        check_model_id(model_id(2049))


def test_the_url_of_a_blob_has_at_most_8192_characters():
    def url(length: int) -> str:
        place = "https://account.blob.core.windows.net/container/"
        return place + "a" * (length - len(place))

    assert Location.parse(url(8192)).segments[0] == "container"
    with pytest.raises(ValueError, match="longer than 8192 characters"):
        Location.parse(url(8193))


def test_a_throttled_answer_asks_for_an_hour_at_most():
    assert [fault.retry_after for fault in parse_faults("throttle=3600")] == [3600]
    with pytest.raises(ValueError, match="longer than 3600 seconds"):
        parse_faults("throttle=3601")
