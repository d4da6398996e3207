"""The audit log's lines wait for the disk in bounds, and each that is lost is counted."""

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import structlog
from prometheus_client import CollectorRegistry, Counter
from structlog.testing import LogCapture
from tests.rpc.serving.process import wait_until

from twinfront_server.audit import Audit, AuditLog, _Losing, open_audit
from twinfront_server.call import Call


class Disk(_Losing):
    """Takes what is written once it is let, and has room for so many lines."""

    def __init__(self) -> None:
        super().__init__()
        self.is_free = threading.Event()
        self.is_full = False
        self.writes: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        assert self.is_free.wait(20)
        try:
            Path("/dev/full" if self.is_full else "/dev/null").write_text(self.format(record))
        except OSError:
            self.handleError(record)
        else:
            self.writes.append(self.format(record))

    def lines(self) -> list[str]:
        return [json.loads(line)["operation"] for text in self.writes for line in text.splitlines()]


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.is_free.set()


@pytest.fixture
def lost() -> Counter:
    return Counter("lost", "Lines.", registry=CollectorRegistry())


def opened(disk: Disk, lost: Counter, max_waiting: int = 1000) -> tuple[AuditLog, LogCapture]:
    capture = LogCapture()
    return AuditLog(disk, structlog.wrap_logger(None, [capture]), lost, max_waiting), capture


def write(audit: Audit, *names: str) -> None:
    for name in names:
        audit.wrote(Call("id", "twinfront.v1.Some/Method", None, ()), name, grpc.StatusCode.OK)


def count(lost: Counter) -> float:
    return next(sample.value for metric in lost.collect() for sample in metric.samples if sample.name == "lost_total")


def test_lines_of_one_moment_are_written_together_and_in_order(disk: Disk, lost: Counter) -> None:
    audit, _ = opened(disk, lost)
    names = [str(number) for number in range(100)]
    write(audit, *names)
    disk.is_free.set()
    audit.close()
    assert disk.lines() == names
    assert len(disk.writes) < 10


def test_closing_writes_what_came_last(disk: Disk, lost: Counter) -> None:
    disk.is_free.set()
    audit, _ = opened(disk, lost)
    write(audit, "last")
    audit.close()
    assert (disk.lines(), count(lost)) == (["last"], 0)


def test_of_what_comes_while_the_disk_hangs_no_more_than_so_much_waits(disk: Disk, lost: Counter) -> None:
    audit, capture = opened(disk, lost, max_waiting=10)
    write(audit, *(str(number) for number in range(100)))
    disk.is_free.set()
    audit.close()
    assert len(disk.lines()) + count(lost) == 100
    assert 10 <= len(disk.lines()) <= 20
    (told,) = capture.entries
    assert told["cause"] == "too many wait to be written"


def test_each_line_of_a_write_that_fails_is_lost(disk: Disk, lost: Counter) -> None:
    disk.is_full = True
    audit, capture = opened(disk, lost)
    write(audit, "a", "b", "c")
    disk.is_free.set()
    audit.close()
    assert count(lost) == 3
    (told,) = capture.entries
    assert told["cause"] == "OSError: [Errno 28] No space left on device"


def test_closing_at_the_moment_when_lines_are_taken_ends(disk: Disk, lost: Counter) -> None:
    disk.is_free.set()
    audit, _ = opened(disk, lost)
    closing = threading.Thread(target=audit.close, daemon=True)
    wake, clear, has_woken = audit._are_there.set, audit._are_there.clear, threading.Event()

    def wake_and_tell() -> None:
        wake()
        if threading.current_thread() is closing:
            has_woken.set()

    def clear_while_closing() -> None:
        if not has_woken.is_set():
            closing.start()
            assert has_woken.wait(20)
        clear()

    audit._are_there.set = wake_and_tell  # type: ignore[method-assign]
    audit._are_there.clear = clear_while_closing  # type: ignore[method-assign]
    write(audit, "last")
    assert has_woken.wait(20)
    closing.join(20)
    assert not closing.is_alive()
    assert disk.lines() == ["last"]


def test_a_file_whose_folder_is_away_for_a_while_is_written_to_again(tmp_path: Path, lost: Counter) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    capture = LogCapture()
    audit = open_audit(str(folder / "audit"), structlog.wrap_logger(None, [capture]), lost)
    folder.rename(tmp_path / "moved")
    write(audit, "away")
    wait_until(lambda: count(lost) == 1)
    write(audit, "still away")
    wait_until(lambda: count(lost) == 2)
    folder.mkdir()
    write(audit, "back")
    audit.close()
    assert json.loads((folder / "audit").read_text())["operation"] == "back"
    (told,) = capture.entries
    assert "No such file or directory" in told["cause"]
