"""What the client sets on its connections, and what the server puts up with."""

from twinfront._channel import channel_options
from twinfront_server.server import OPTIONS
from twinfront_server.settings import Settings

CLIENT, SERVER = dict(channel_options("localhost:1", {}, tls=False)), dict(OPTIONS)


def test_the_client_does_not_ping_more_often_than_the_server_allows():
    assert CLIENT["grpc.keepalive_time_ms"] > SERVER["grpc.http2.min_ping_interval_without_data_ms"]
    assert CLIENT["grpc.keepalive_permit_without_calls"] == SERVER["grpc.keepalive_permit_without_calls"] == 1


def test_the_client_takes_the_largest_answer_that_the_server_gives():
    assert CLIENT["grpc.max_receive_message_length"] >= Settings.defaults["max_response_bytes"]
