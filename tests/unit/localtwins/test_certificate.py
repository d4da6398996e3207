"""The development certificate: whom it names, who vouches for it, when it is made anew."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from localtwins import certificate
from localtwins.certificate import development_certificate


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def names(server: x509.Certificate) -> tuple[list[str], list[str]]:
    stated = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return stated.get_values_for_type(x509.DNSName), [str(each) for each in stated.get_values_for_type(x509.IPAddress)]


def test_a_certificate_names_this_machine(tmp_path: Path):
    server = load(development_certificate(tmp_path).chain)
    assert names(server) == (["localhost"], ["127.0.0.1", "::1"])


def test_a_certificate_names_other_hosts_and_addresses_once_each(tmp_path: Path):
    server = load(
        development_certificate(tmp_path, ["VM", "vm", "192.0.2.7", "0:0::1", "fe80::7%eth0", "*.test"]).chain
    )
    assert names(server) == (["localhost", "vm", "*.test"], ["127.0.0.1", "::1", "192.0.2.7", "fe80::7"])


def test_the_authority_signed_the_certificate_which_is_no_authority_itself(tmp_path: Path):
    files = development_certificate(tmp_path)
    server, authority = load(files.chain), load(files.authority)
    server.verify_directly_issued_by(authority)
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_keys_are_the_owners_alone(tmp_path: Path):
    development_certificate(tmp_path)
    kept = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    assert sorted(kept) == ["ca-key.pem", "ca.pem", "server-key.pem", "server.pem"]
    assert (kept["ca-key.pem"], kept["server-key.pem"]) == (0, 0)


@pytest.mark.parametrize("given", [[], ["vm"], ["0:0::1", "VM", "vm"], ["fe80::7%eth0"]])
def test_a_certificate_is_kept_while_the_names_are_the_same(tmp_path: Path, given: list[str]):
    first = development_certificate(tmp_path, given).chain.read_bytes()
    assert development_certificate(tmp_path, given).chain.read_bytes() == first


def test_a_certificate_for_other_names_is_made_anew_and_the_authority_stays(tmp_path: Path):
    authority = development_certificate(tmp_path).authority.read_bytes()
    for wanted in (["vm"], ["vm", "other"], []):
        files = development_certificate(tmp_path, wanted)
        assert files.authority.read_bytes() == authority
        assert names(load(files.chain))[0] == ["localhost", *wanted]
        load(files.chain).verify_directly_issued_by(load(files.authority))
        key = serialization.load_pem_private_key(files.key.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert key.public_key() == load(files.chain).public_key()


def test_a_certificate_is_kept_until_a_week_before_its_end_and_the_authority_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(certificate, "_LIFETIME", timedelta(days=6))
    files = development_certificate(tmp_path)
    first, authority = files.chain.read_bytes(), files.authority.read_bytes()
    monkeypatch.setattr(certificate, "_LIFETIME", timedelta(days=8))
    second = development_certificate(tmp_path).chain.read_bytes()
    assert second != first
    assert development_certificate(tmp_path).chain.read_bytes() == second
    assert files.authority.read_bytes() == authority


def test_an_authority_that_would_end_before_what_it_signs_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(certificate, "_AUTHORITY_LIFETIME", timedelta(days=300))
    authority = development_certificate(tmp_path).authority.read_bytes()
    files = development_certificate(tmp_path, ["vm"])
    assert files.authority.read_bytes() != authority
    load(files.chain).verify_directly_issued_by(load(files.authority))


@pytest.mark.parametrize("kept", ["none", "another"])
def test_an_authority_without_its_key_is_made_anew_when_it_has_to_sign(tmp_path: Path, kept: str):
    files = development_certificate(tmp_path / "tls")
    authority = files.authority.read_bytes()
    if kept == "none":
        (tmp_path / "tls" / "ca-key.pem").unlink()
    else:
        development_certificate(tmp_path / "other")
        (tmp_path / "other" / "ca-key.pem").replace(tmp_path / "tls" / "ca-key.pem")
    assert development_certificate(tmp_path / "tls").authority.read_bytes() == authority
    development_certificate(tmp_path / "tls", ["vm"])
    assert files.authority.read_bytes() != authority
    load(files.chain).verify_directly_issued_by(load(files.authority))
