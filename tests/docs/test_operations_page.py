"""The page for operators: its runbook leaves no reason out, and what it names is there."""

import re
from pathlib import Path

from twinfront_server.metrics import METRICS
from twinfront_server.reasons import Reason
from twinfront_server.settings import Settings

PAGE = (Path(__file__).resolve().parents[2] / "docs/operations.md").read_text()


def test_the_runbook_has_every_reason_once() -> None:
    runbook = PAGE.partition("## Runbook")[2]
    named = re.findall(r"`([A-Z]+(?:_[A-Z]+)*)`", runbook)
    assert sorted(named) == sorted(Reason)


def test_every_flag_of_the_page_is_a_setting() -> None:
    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) - {"--upstream"} <= {setting.flag for setting in Settings.describe()}


def test_every_metric_of_the_page_is_one_of_the_server() -> None:
    assert set(re.findall(r"`(twinfront_\w+)`", PAGE)) <= {metric.name for metric in METRICS}
