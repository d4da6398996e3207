"""Which names a development certificate can be asked for."""

import pytest

from localtwins import Settings
from twinfront_program.settings import SettingsError

LABEL = "a" * 63
LONGEST = ".".join([LABEL, LABEL, LABEL, "a" * 61])


@pytest.mark.parametrize("name", ["vm", "twins.example", "*.example", "under_score", "192.0.2.7", "::1", LONGEST])
def test_a_host_name_or_an_address_is_taken(name: str):
    assert Settings(tls_name=name).tls_name == name


@pytest.mark.parametrize("name", ["two words", "*", "a.*.example", ".example", "a..b", f"{LABEL}a", f"{LONGEST}a", "ä"])
def test_a_text_that_is_no_host_name_is_refused(name: str):
    with pytest.raises(SettingsError, match="is no host name and no address"):
        Settings(tls_name=name)
