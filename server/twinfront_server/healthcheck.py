"""`twinfront healthcheck`: asks a server for its health; for containers and scripts."""

from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub


@dataclass(frozen=True, slots=True)
class HealthQuestion:
    """Whom to ask, and for what.

    Attributes:
        address: `host:port`, or `unix:/path`.
        service: full name of the service; empty for the server as a whole.
        timeout: seconds to wait for the answer.
        tls: whether to speak TLS; implied by the files.
        tls_ca: PEM file of the authorities to check the server's certificate against; else the system's.
        tls_cert: PEM file of the client's certificate, for mTLS.
        tls_key: PEM file of its key.
        tls_server_name: the name in the server's certificate, if it is not the address's.
    """

    address: str
    service: str = ""
    timeout: float = 5.0
    tls: bool = False
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_server_name: str | None = None


def ask_health(question: HealthQuestion) -> tuple[bool, str]:
    """Tells whether the server serves, and its answer in words."""
    try:
        with _channel(question) as channel:
            answer = HealthStub(channel).Check(HealthCheckRequest(service=question.service), timeout=question.timeout)
    except grpc.RpcError as error:
        return False, f"{error.code().name}: {error.details()}"
    except OSError as error:
        return False, f"{error.filename} cannot be read: {error.strerror}"
    serving = answer.status == HealthCheckResponse.SERVING
    return serving, HealthCheckResponse.ServingStatus.Name(answer.status)


def _channel(question: HealthQuestion) -> grpc.Channel:
    files = [_read(file) for file in (question.tls_ca, question.tls_key, question.tls_cert)]
    if not question.tls and not any(files):
        return grpc.insecure_channel(question.address)
    name = question.tls_server_name
    options = [("grpc.ssl_target_name_override", name)] if name else []
    return grpc.secure_channel(question.address, grpc.ssl_channel_credentials(*files), options)


def _read(file: str | None) -> bytes | None:
    return Path(file).read_bytes() if file else None
