"""A data directory is one process's at a time, and who cannot have it is told what to do."""

import os
import sqlite3
from pathlib import Path

import pytest

from localtwins.store.data_dir import DataDir
from localtwins.store.database import _advice
from twinfront_program.startup_error import StartupError

LOCK = "localtwins.lock"


def refusal(path: Path) -> str:
    with pytest.raises(StartupError) as refused:
        DataDir.claim(path)
    return str(refused.value)


def test_a_directory_in_use_is_refused_with_who_has_it(tmp_path: Path):
    first = DataDir.claim(tmp_path)
    assert refusal(tmp_path) == (
        f"The data directory {tmp_path} is in use by another process (process {os.getpid()}). "
        "Stop it, or choose another directory with --data-dir."
    )
    first.release()
    DataDir.claim(tmp_path).release()


def test_the_name_of_an_earlier_holder_is_not_left_behind(tmp_path: Path):
    DataDir.claim(tmp_path).release()
    (tmp_path / LOCK).write_text("9" * 40)
    DataDir.claim(tmp_path).release()
    assert (tmp_path / LOCK).read_text() == str(os.getpid())


def test_a_holder_without_a_name_is_another_process(tmp_path: Path):
    first = DataDir.claim(tmp_path)
    (tmp_path / LOCK).write_text("")
    assert "is in use by another process. Stop it" in refusal(tmp_path)
    first.release()


def failed(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("failed")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (failed(sqlite3.SQLITE_BUSY), "Another program has it locked"),
        (failed(sqlite3.SQLITE_BUSY_SNAPSHOT), "Another program has it locked"),
        (failed(sqlite3.SQLITE_FULL), "the disk is full or failing"),
        (failed(sqlite3.SQLITE_IOERR), "the disk is full or failing"),
        (failed(sqlite3.SQLITE_IOERR_FSYNC), "the disk is full or failing"),
        (failed(sqlite3.SQLITE_CANTOPEN), "the right to write it"),
        (failed(sqlite3.SQLITE_READONLY), "the right to write it"),
        (failed(sqlite3.SQLITE_PERM), "the right to write it"),
        (PermissionError("No."), "the right to write it"),
        (failed(sqlite3.SQLITE_CORRUPT), "Restore it from a backup"),
        (sqlite3.OperationalError("No."), "Restore it from a backup"),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "No."), "Restore it from a backup"),
    ],
    ids=lambda value: str(getattr(value, "sqlite_errorname", "")) if isinstance(value, Exception) else None,
)
def test_who_cannot_open_the_database_is_told_what_to_do(error: Exception, advice: str):
    assert advice in _advice(error)
