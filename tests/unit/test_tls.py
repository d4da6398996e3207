"""What the log says of a certificate whose time has not come, or is over; its first and last seconds are its own."""

from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from cryptography import x509
from prometheus_client import CollectorRegistry, Gauge
from structlog import get_logger
from structlog.testing import capture_logs

from twinfront_server import tls

from ..rpc.serving.certificates import Authority


@pytest.mark.parametrize(
    ("bound", "seconds_after", "told"),
    [
        ("not_valid_before_utc", -1, ["the certificate is not valid yet"]),
        ("not_valid_before_utc", 0, []),
        ("not_valid_after_utc", 0, []),
        ("not_valid_after_utc", 1, ["the certificate has expired"]),
    ],
)
def test_a_certificate_is_told_of_outside_its_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, seconds_after: int, told: list[str]
):
    issued = Authority(tmp_path).issue()
    certificate = x509.load_pem_x509_certificate(issued.cert.read_bytes())
    moment = getattr(certificate, bound) + timedelta(seconds=seconds_after)

    class Then(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Then":
            return cls.fromtimestamp(moment.timestamp(), tz)

    monkeypatch.setattr(tls, "datetime", Then)
    registry = CollectorRegistry()
    with capture_logs() as logged:
        tls.server_credentials(
            str(issued.cert), str(issued.key), None, get_logger(), Gauge("expiry", "When.", registry=registry)
        )
    assert [line["event"] for line in logged] == told
    assert registry.get_sample_value("expiry") == certificate.not_valid_after_utc.timestamp()
