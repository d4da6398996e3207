"""The changelog, and the version that everything agrees on."""

import re
import tomllib
from importlib.metadata import version

import pytest

import twinfront_server

from .blocks import CHECKOUT

CHANGELOG = (CHECKOUT / "CHANGELOG.md").read_text()
VERSION = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
HEADINGS = re.findall(r"^## \[(.+?)\](?: - (.+))?$", CHANGELOG, re.MULTILINE)


def test_what_is_not_released_stands_on_top():
    assert HEADINGS[0] == ("Unreleased", "")


def test_the_version_is_the_latest_release_or_the_next_one():
    released = [name for name, _ in HEADINGS[1:]]
    assert VERSION in released[:1] or f"What will be {VERSION}" in CHANGELOG


def test_releases_have_a_date_and_go_back_in_time():
    dates = [date for _, date in HEADINGS[1:]]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for date in dates)
    assert dates == sorted(dates, reverse=True)


def test_changes_are_grouped_as_keep_a_changelog_says():
    groups = set(re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE))
    assert groups <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_package_and_server_bear_the_version_of_the_changelog():
    assert version("twinfront") == twinfront_server.__version__ == VERSION


@pytest.mark.parametrize(
    ("file", "version_line"),
    [
        ("clients/go/client.go", 'const Version = "{}"'),
        ("clients/typescript/package.json", '  "version": "{}",'),
        ("clients/typescript/src/client.ts", 'export const VERSION = "{}";'),
        ("clients/java/pom.xml", "  <version>{}</version>"),
        ("clients/rust/Cargo.toml", 'version = "{}"'),
    ],
)
def test_the_clients_bear_the_version_of_the_changelog(file: str, version_line: str):
    assert version_line.format(VERSION) in (CHECKOUT / file).read_text().splitlines()
