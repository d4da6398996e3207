"""The tables of the pages are those of the code."""

import re
import subprocess
import sys

import pytest

from docs.generate import errors, pages
from twinfront.v1.error_reason_pb2 import ErrorReason
from twinfront_server.metric_table import METRICS
from twinfront_server.settings import Settings

from .blocks import CHECKOUT, CLIENT_PAGES, PAGES


def test_no_page_is_stale():
    finished = subprocess.run(
        [sys.executable, "-m", "docs.generate", "--check"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")


def test_every_part_is_on_a_page():
    used = {name for page in PAGES for name in re.findall(r"<!-- begin ([\w-]+) -->", page.read_text())}
    assert used == set(pages.PARTS)


def test_a_change_by_hand_is_noticed():
    page = (CHECKOUT / "docs" / "metrics.md").read_text()
    changed = page.replace("| `twinfront_in_flight_requests` | gauge |", "| `twinfront_in_flight_requests` | counter |")
    assert changed != page
    assert pages.filled_in(changed) == page


def test_every_reason_has_a_code_and_a_meaning():
    reasons = list(errors.reasons())
    assert [f"ERROR_REASON_{reason.name}" for reason in reasons] == list(ErrorReason.keys())[1:]
    for reason in reasons:
        assert re.fullmatch("[A-Z_]+", reason.code)
        assert reason.exception.endswith("Error")
        assert reason.meaning.endswith(".")
        assert "Detail" not in reason.meaning
        assert "Metadata" not in reason.meaning


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("docs/errors.md", [name.removeprefix("ERROR_REASON_") for name in list(ErrorReason.keys())[1:]]),
        ("docs/metrics.md", [metric.name for metric in METRICS]),
        ("docs/settings.md", [name for setting in Settings.describe() for name in (setting.flag, setting.variable)]),
    ],
)
def test_a_page_names_all_there_is(page: str, names: list[str]):
    text = (CHECKOUT / page).read_text()
    assert names
    assert [name for name in names if name not in text] == []


def test_links_between_pages_lead_somewhere():
    links = [
        (page, target)
        for page in [*PAGES, *CLIENT_PAGES]
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text())
    ]
    assert links
    assert [(page, target) for page, target in links if not (page.parent / target).exists()] == []
