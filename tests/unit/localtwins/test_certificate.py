"""The development certificate: whom it names, who vouches for it, when it is made anew."""

from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from localtwins import certificate
from localtwins.certificate import development_certificate


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_it_names_this_machine(tmp_path: Path):
    server = load(development_certificate(tmp_path).chain)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("127.0.0.1"), ip_address("::1")]


def test_the_authority_signed_it_and_it_is_no_authority_itself(tmp_path: Path):
    files = development_certificate(tmp_path)
    server, authority = load(files.chain), load(files.authority)
    server.verify_directly_issued_by(authority)
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_authoritys_key_is_not_kept(tmp_path: Path):
    development_certificate(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem", "server-key.pem", "server.pem"]


def test_it_is_kept_until_a_week_before_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(certificate, "_LIFETIME", timedelta(days=6))
    first = development_certificate(tmp_path).chain.read_bytes()
    monkeypatch.setattr(certificate, "_LIFETIME", timedelta(days=8))
    second = development_certificate(tmp_path).chain.read_bytes()
    assert second != first
    assert development_certificate(tmp_path).chain.read_bytes() == second
