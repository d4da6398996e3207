"""A write whose replica was killed before it told how it ended: the next one finds out what became of it."""

from collections.abc import Callable, Iterator

import pytest

from twinfront import DigitalTwin, EtagMismatchError, OutcomeUnknownError, TwinfrontClient, patch
from twinfront.errors import ValidationFailedError

from .process import ServedProcess
from .redis_process import RedisProcess
from .upstream import UpstreamProcess

SPACE = "dtmi:twinfront:sample:Space;1"
NAMED = DigitalTwin(model_id=SPACE, properties={"name": "before"})


Clients = tuple[TwinfrontClient, TwinfrontClient]


@pytest.fixture
def clients(serve: Callable[..., ServedProcess], upstream: UpstreamProcess, redis: RedisProcess) -> Iterator[Clients]:
    words = [*upstream.words, f"--outcomes={redis.url}", "--outcomes-timeout=5s"]
    first, second = serve(*words, "--sample"), serve(*words)
    with TwinfrontClient(first.address) as one, TwinfrontClient(second.address) as other:
        yield one, other


def test_a_creation_that_was_applied_is_answered(clients: Clients, redis: RedisProcess):
    first, second = clients
    etag = first.create_or_replace_digital_twin("room", NAMED, if_none_match=True, request_id="id").etag
    redis.lose_outcome()
    again = second.create_or_replace_digital_twin("room", NAMED, if_none_match=True, request_id="id")
    assert again.etag == etag


def test_a_patch_under_an_etag_that_was_applied_is_answered(clients: Clients, redis: RedisProcess):
    first, second = clients
    etag = first.create_or_replace_digital_twin("room", NAMED, request_id="another").etag
    redis.command("FLUSHALL")
    step = patch().replace("/name", "after")
    applied = first.update_digital_twin("room", step, if_match=etag, request_id="id")
    redis.lose_outcome()
    assert second.update_digital_twin("room", step, if_match=etag, request_id="id") == applied


def test_a_deletion_that_was_applied_is_answered(clients: Clients, redis: RedisProcess):
    first, second = clients
    etag = first.create_or_replace_digital_twin("room", NAMED, request_id="another").etag
    redis.command("FLUSHALL")
    first.delete_digital_twin("room", if_match=etag, request_id="id")
    redis.lose_outcome()
    second.delete_digital_twin("room", if_match=etag, request_id="id")


def test_a_patch_that_was_not_applied_is_sent(clients: Clients, redis: RedisProcess):
    first, second = clients
    etag = first.create_or_replace_digital_twin("room", NAMED, request_id="another").etag
    redis.command("FLUSHALL")
    step = patch().replace("/name", 1)
    for client in (first, second):
        with pytest.raises(ValidationFailedError):
            client.update_digital_twin("room", step, if_match=etag, request_id="id")
        redis.lose_outcome()


def test_a_patch_of_which_another_writer_left_no_trace_is_unknown(clients: Clients, redis: RedisProcess):
    first, second = clients
    etag = first.create_or_replace_digital_twin("room", NAMED, request_id="another").etag
    first.update_digital_twin("room", patch().replace("/name", "theirs"), if_match=etag)
    redis.command("FLUSHALL")
    step = patch().replace("/name", "mine")
    with pytest.raises(EtagMismatchError):
        first.update_digital_twin("room", step, if_match=etag, request_id="id")
    redis.lose_outcome()
    with pytest.raises(OutcomeUnknownError):
        second.update_digital_twin("room", step, if_match=etag, request_id="id")
    assert second.get_digital_twin("room")["name"] == "theirs"


def test_a_merge_under_an_etag_that_was_applied_is_no_conflict_with_itself(clients: Clients, redis: RedisProcess):
    first, second = clients
    etag = first.create_or_replace_digital_twin("room", NAMED, request_id="another").etag
    redis.command("FLUSHALL")
    first.merge_digital_twin("room", {"name": "after"}, if_match=etag, request_id="id")
    redis.lose_outcome()
    with pytest.raises(OutcomeUnknownError):
        second.merge_digital_twin("room", {"name": "after"}, if_match=etag, request_id="id")


def test_a_detaching_deletion_that_was_applied_is_not_told_that_nothing_is_there(clients: Clients, redis: RedisProcess):
    first, second = clients
    first.create_or_replace_digital_twin("room", NAMED, request_id="another")
    redis.command("FLUSHALL")
    first.delete_digital_twin("room", relationships="detach", request_id="id")
    redis.lose_outcome()
    with pytest.raises(OutcomeUnknownError):
        second.delete_digital_twin("room", relationships="detach", request_id="id")
