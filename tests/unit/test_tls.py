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
    ("since_begin", "since_end", "told"),
    [
        (-1, None, ["the certificate is not valid yet"]),
        (0, None, []),
        (None, 0, []),
        (None, 1, ["the certificate has expired"]),
    ],
)
def test_a_certificate_is_told_of_outside_its_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, since_begin: int | None, since_end: int | None, told: list[str]
):
    issued = Authority(tmp_path).issue()
    certificate = x509.load_pem_x509_certificate(issued.cert.read_bytes())
    moment = (
        certificate.not_valid_before_utc + timedelta(seconds=since_begin)
        if since_begin is not None
        else certificate.not_valid_after_utc + timedelta(seconds=since_end or 0)
    )

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
