"""The clients' tables of reasons: which kind of error each stands for, and after which a call is sent again."""

import subprocess
import sys
from pathlib import Path

import pytest

from clients import reasons
from twinfront import errors
from twinfront_server.reasons import Reason

CHECKOUT = Path(__file__).resolve().parents[3]


def test_no_table_of_a_client_is_stale():
    finished = subprocess.run(
        [sys.executable, "clients/reasons.py", "--check"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.parametrize("name", reasons.TABLES)
def test_a_row_that_is_changed_by_hand_is_noticed(name: str, tmp_path: Path):
    text = (reasons.CLIENTS / name).read_text()
    table = reasons.TABLES[name]()
    changed = tmp_path / "changed"
    changed.write_text(text.replace(table, table.replace("\n", " \n", 1)))
    assert changed.read_text() != text
    assert reasons.filled_in(changed, reasons.TABLES[name]) == text


@pytest.mark.parametrize("name", reasons.TABLES)
def test_a_table_without_its_place_is_noticed(name: str, tmp_path: Path):
    without = tmp_path / "without"
    without.write_text((reasons.CLIENTS / name).read_text().replace("end reasons", ""))
    with pytest.raises(SystemExit, match="without needs one place"):
        reasons.filled_in(without, reasons.TABLES[name])


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_stands_for_its_kind_or_for_that_of_its_code(reason: Reason):
    kind = errors._kind(reason.code, reason)
    of_code = errors._kind(reason.code, "")
    assert kind.__name__ == (f"{reasons.KINDS[reason]}Error" if reason in reasons.KINDS else of_code.__name__)
    assert issubclass(kind, of_code)
