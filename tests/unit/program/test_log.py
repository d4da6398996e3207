"""What localtwins says, in a program that is not its own; and a log that nobody reads."""

import json
import os
import subprocess
import sys

import pytest

from twinfront_program.log import library_logger

_CONFIGURED = """
from twinfront_program.log import configure_logging, get_logger, library_logger
configure_logging({log_format!r}, "info", lambda: {{"call_id": "mine"}})
library_logger("part").warning("delivery fails", endpoint="floor 1", percent="%s")
library_logger("part").info("not told")
get_logger().warning("delivery fails", endpoint="floor 1", percent="%s")
"""


def test_a_program_with_logging_of_its_own_gets_text_with_the_fields_behind(caplog: pytest.LogCaptureFixture):
    library_logger("part").warning("delivery fails", endpoint="floor 1", failures=3, percent="%s")
    assert [record.getMessage() for record in caplog.records] == [
        "delivery fails endpoint='floor 1' failures=3 percent='%s'"
    ]
    assert [(record.name, record.levelname) for record in caplog.records] == [("part", "WARNING")]


def test_an_exception_comes_with_its_trace(caplog: pytest.LogCaptureFixture):
    try:
        1 / 0  # noqa: B018  (raises)
    except ZeroDivisionError:
        library_logger("part").exception("unexpected error", kind="job")
    assert "unexpected error kind='job'" in caplog.text
    assert "Traceback" in caplog.text


def told(log_format: str) -> list[str]:
    program = _CONFIGURED.format(log_format=log_format)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stderr.splitlines()


def test_in_a_program_of_ours_its_lines_are_json_as_all_others():
    by_library, by_program = map(json.loads, told("json"))
    assert by_library.pop("logger") == "part"
    assert (by_library.pop("timestamp"), by_program.pop("timestamp")) != (None, None)
    fields = {"endpoint": "floor 1", "percent": "%s", "call_id": "mine"}
    assert by_library == by_program == {"event": "delivery fails", "level": "warning", **fields}


def test_in_a_program_of_ours_its_lines_are_for_people_as_all_others():
    by_library, by_program = told("console")
    for line in (by_library, by_program):
        assert "[warning  ] delivery fails" in line
        assert "call_id=mine endpoint='floor 1'" in line
        assert line.endswith("percent=%s")


def test_a_log_that_nobody_reads_any_more_harms_nobody():
    program = (
        "from twinfront_program.log import configure_logging, get_logger, library_logger\n"
        "configure_logging('json', 'info')\n"
        "input()\n"
        "for _ in range(3): get_logger().warning('x'); library_logger('part').warning('y')\n"
        "print('well', flush=True)\n"
    )
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=writing, text=True
    )
    os.close(writing)
    os.close(reading)
    assert process.communicate("\n", timeout=30)[0] == "well\n"


_HOSTILE = """
from twinfront_program.log import configure_logging, get_logger
configure_logging("console", "info")
get_logger().warning("be\\x1b[31mgins", name="a\\x07b\\n")
try:
    raise ValueError("one\\x1b\\ntwo")
except ValueError:
    get_logger().exception("failed")
"""


def test_what_a_caller_wrote_steers_no_terminal_and_a_trace_keeps_its_lines():
    told = subprocess.run([sys.executable, "-c", _HOSTILE], capture_output=True, text=True, check=True).stderr
    first, failed, *trace = told.splitlines()
    assert "be\\x1b[31mgins" in first
    assert first.endswith("name=a\\x07b\\n")
    assert "failed" in failed
    assert trace[0].startswith("Traceback")
    assert trace[-2:] == ["ValueError: one\\x1b", "two"]
