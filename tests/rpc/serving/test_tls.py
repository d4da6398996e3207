"""TLS and mTLS, on a real process."""

import json
import re
import socket
import ssl
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from tests.engine import needs_tls

from twinfront.v1.model_service_pb2 import ListModelsRequest
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub

from .certificates import Authority, Issued
from .process import ServedProcess, run, wait_until

pytestmark = needs_tls

Serve = Callable[..., ServedProcess]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def certificate(authority: Authority) -> Issued:
    return authority.issue()


def list_models(channel: grpc.Channel) -> None:
    with channel:
        ModelServiceStub(channel).ListModels(ListModelsRequest(), timeout=20)


def secure(served: ServedProcess, ca: Path, client: Issued | None = None) -> grpc.Channel:
    key, cert = (client.key.read_bytes(), client.cert.read_bytes()) if client else (None, None)
    return grpc.secure_channel(served.address, grpc.ssl_channel_credentials(ca.read_bytes(), key, cert))


def serial_served(served: ServedProcess) -> int:
    """The serial number of the certificate that a new connection gets."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", int(served.port)), timeout=20) as plain,
        context.wrap_socket(plain) as connection,
    ):
        return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"").serial_number


def test_calls_go_over_tls(serve: Serve, authority: Authority, certificate: Issued) -> None:
    served = serve("--tls-cert", certificate.cert, "--tls-key", certificate.key)
    list_models(secure(served, authority.cert))


def test_a_caller_may_trust_the_servers_certificate_itself(serve: Serve, certificate: Issued) -> None:
    served = serve("--tls-cert", certificate.cert, "--tls-key", certificate.key)
    list_models(secure(served, certificate.cert))


def test_a_caller_in_the_clear_is_not_answered(serve: Serve, certificate: Issued) -> None:
    served = serve("--tls-cert", certificate.cert, "--tls-key", certificate.key)
    with pytest.raises(grpc.RpcError) as refused:
        list_models(grpc.insecure_channel(served.address))
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_listener_beyond_loopback_needs_no_permission_with_tls(serve: Serve, certificate: Issued) -> None:
    served = serve("--listen=0.0.0.0:0", "--auth=none", "--tls-cert", certificate.cert, "--tls-key", certificate.key)
    assert served.address.startswith("0.0.0.0:")


def test_with_a_client_authority_a_caller_needs_a_certificate(
    serve: Serve, authority: Authority, certificate: Issued
) -> None:
    served = serve("--tls-cert", certificate.cert, "--tls-key", certificate.key, "--tls-client-ca", authority.cert)
    list_models(secure(served, authority.cert, authority.issue("client")))
    with pytest.raises(grpc.RpcError) as refused:
        list_models(secure(served, authority.cert))
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_certificate_of_another_authority_is_refused(
    serve: Serve, authority: Authority, certificate: Issued, tmp_path: Path
) -> None:
    served = serve("--tls-cert", certificate.cert, "--tls-key", certificate.key, "--tls-client-ca", authority.cert)
    stranger = Authority(tmp_path, "stranger").issue("strange-client")
    with pytest.raises(grpc.RpcError) as refused:
        list_models(secure(served, authority.cert, stranger))
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_renewed_certificate_is_served_without_a_restart(
    serve: Serve, authority: Authority, certificate: Issued
) -> None:
    served = serve("--tls-cert", certificate.cert, "--tls-key", certificate.key)
    assert serial_served(served) == certificate.serial
    renewed = authority.issue()
    assert serial_served(served) == renewed.serial
    assert "certificates renewed" in served.log()
    list_models(secure(served, authority.cert))


def test_files_that_do_not_fit_leave_the_certificate_in_use(
    serve: Serve, authority: Authority, certificate: Issued
) -> None:
    served = serve("--tls-cert", certificate.cert, "--tls-key", certificate.key)
    other = authority.issue("other")
    certificate.key.write_bytes(other.key.read_bytes())
    assert serial_served(served) == certificate.serial
    wait_until(lambda: "certificates could not be renewed" in served.log())
    certificate.cert.write_bytes(other.cert.read_bytes())
    assert serial_served(served) == other.serial


@pytest.mark.parametrize(
    ("valid_from", "told"), [(-2, ["the certificate has expired"]), (2, ["the certificate is not valid yet"]), (0, [])]
)
def test_a_certificate_that_is_not_valid_now_is_told_of(
    serve: Serve, authority: Authority, valid_from: int, told: list[str]
) -> None:
    issued = authority.issue(valid_from=timedelta(days=valid_from))
    served = serve("--tls-cert", issued.cert, "--tls-key", issued.key)
    assert [json.loads(line)["event"] for line in served.log().splitlines() if "the certificate" in line] == told
    expiry = re.search(r"^twinfront_tls_certificate_expiry_seconds (\S+)$", served.metrics(), re.MULTILINE)
    assert expiry
    assert float(expiry[1]) == pytest.approx(time.time() + (valid_from + 1) * 86_400, abs=300)


def test_an_expired_certificate_is_told_of_when_it_is_renewed(
    serve: Serve, authority: Authority, certificate: Issued
) -> None:
    served = serve("--tls-cert", certificate.cert, "--tls-key", certificate.key)
    expired = authority.issue(valid_from=-timedelta(days=2))
    assert serial_served(served) == expired.serial
    wait_until(lambda: "the certificate has expired" in served.log())


def test_healthcheck_speaks_mtls(serve: Serve, authority: Authority, certificate: Issued) -> None:
    client = authority.issue("client")
    served = serve("--tls-cert", certificate.cert, "--tls-key", certificate.key, "--tls-client-ca", authority.cert)
    files = [f"--tls-ca={authority.cert}", f"--tls-cert={client.cert}", f"--tls-key={client.key}"]
    assert run("healthcheck", "--address", served.address, *files).returncode == 0
    assert run("healthcheck", "--address", served.address, files[0], "--timeout=5").returncode == 1
