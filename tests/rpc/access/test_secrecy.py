"""Credentials are told to nobody: not to the log, nor to metrics, nor to the caller who sent them."""

import urllib.error
from collections.abc import Callable

import grpc
import pytest
from tests.rpc.serving.process import ServedProcess, wait_until

from twinfront.v1.model_service_pb2 import GetModelRequest
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub
from twinfront_server.access.bearer import MAX_TOKEN

from .issuer import Issuer, SigningKey


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_part_of_a_token_is_in_anything_that_a_server_says(
    serve: Callable[..., ServedProcess],
    issuer: Issuer,
    log_format: str,
):
    words = ["--auth=jwt", "--auth-exempt=none", "--jwt-audience=twins", f"--jwt-issuer={issuer.url}"]
    served = serve(*words, f"--log-format={log_format}", "--log-level=debug")
    good = issuer.token(roles=["reader"], email="mallory@example.org")
    tokens = [
        good,
        issuer.token(exp=1),
        issuer.token(sub="x" * 300),
        SigningKey("first").sign(issuer.claims()),
        SigningKey("kid-of-a-stranger").sign(issuer.claims()),
        issuer.token(padding="x" * MAX_TOKEN),
        "opaque-secret-of-another-kind",
    ]
    headers = [("authorization", f"Bearer {token}") for token in tokens] + [("authorization", "Basic c2VjcmV0OnB3")]
    told = []
    with grpc.insecure_channel(served.address) as channel:
        for header in headers:
            for metadata in ((header,), (header, header)):
                with pytest.raises(grpc.RpcError) as failed:
                    ModelServiceStub(channel).GetModel(GetModelRequest(), metadata=metadata, timeout=20)
                told.append(str(failed.value))
                told += [str(entry) for entry in failed.value.trailing_metadata()]
    with pytest.raises(urllib.error.HTTPError) as refused:
        served.metrics()
    told.append(refused.value.read().decode())
    # Two of the long one are more metadata than the server takes, and come to no log.
    wait_until(lambda: served.log().count("GetModel") == 2 * len(headers) - 1)
    served.signal()
    assert served.exit_code() == 0
    everything = "\n".join([*told, served.log(), served.stdout.read_text()])
    parts = {part for token in tokens for part in (token, *token.split(".")) if len(part) > 10}
    assert len(parts) > 15
    secrets = {*parts, "c2VjcmV0OnB3", "mallory@example.org", "kid-of-a-stranger"}
    assert [secret for secret in secrets if secret in everything] == []
    assert "CREDENTIALS_INVALID" in everything
