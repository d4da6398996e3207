"""The lines of events of which there are many: they are written together, and are as all others."""

import asyncio
import io
import json
import logging
import re
import subprocess
import sys
import threading
from typing import Any

import pytest
from tests.clock import Clock

from twinfront_program.gathered_lines import GATHERING, MAX_WAITING, GatheredLines


def events(stream: io.StringIO) -> list[str]:
    return [json.loads(line)["event"] for line in stream.getvalue().splitlines()]


class TestWhenLinesAreWritten:
    async def test_lines_of_one_moment_are_written_together_when_it_is_over(self, clock: Clock):
        stream = io.StringIO()
        lines = GatheredLines(stream)
        for event in ("first", "second"):
            lines.add(event, logging.INFO, {})
        await clock.advance(GATHERING * 0.9)
        assert events(stream) == []
        await clock.advance(GATHERING * 0.2)
        assert events(stream) == ["first", "second"]

    async def test_one_that_comes_later_waits_no_longer(self, clock: Clock):
        stream = io.StringIO()
        lines = GatheredLines(stream)
        lines.add("first", logging.INFO, {})
        await clock.advance(GATHERING * 1.1)
        lines.add("second", logging.INFO, {})
        await clock.advance(GATHERING * 1.1)
        assert events(stream) == ["first", "second"]

    async def test_another_line_comes_after_all_that_waits(self):
        stream = io.StringIO()
        lines = GatheredLines(stream)
        lines.add("first", logging.INFO, {})
        lines.write('{"event": "second"}\n')
        lines.add("third", logging.INFO, {})
        lines.flush()
        assert events(stream) == ["first", "second", "third"]

    async def test_no_more_wait_than_so_many(self):
        stream = io.StringIO()
        lines = GatheredLines(stream)
        for number in range(3 * MAX_WAITING - 1):
            lines.add(str(number), logging.INFO, {})
        assert events(stream) == [str(number) for number in range(2 * MAX_WAITING)]

    async def test_lines_of_other_threads_are_whole_and_none_is_lost(self):
        stream = io.StringIO()
        lines = GatheredLines(stream)

        def tell() -> None:
            for _ in range(2000):
                lines.write('{"event": "of the thread"}\n')

        thread = threading.Thread(target=tell)
        thread.start()
        for number in range(2000):
            lines.add(str(number), logging.INFO, {})
        await asyncio.to_thread(thread.join)
        lines.flush()
        told = events(stream)
        assert [event for event in told if event != "of the thread"] == [str(number) for number in range(2000)]
        assert len(told) == 4000

    async def test_a_line_that_comes_while_others_are_written_is_written_after_them(self):
        class Telling(io.StringIO):
            """Has something to say of what it is given first, as a collected task with an exception has."""

            def write(self, text: str) -> int:
                written = super().write(text)
                if not lines_of_its_own:
                    lines_of_its_own.append('{"event": "third"}\n')
                    lines.write(lines_of_its_own[0])
                return written

        lines_of_its_own: list[str] = []
        stream = Telling()
        lines = GatheredLines(stream)
        for event in ("first", "second"):
            lines.add(event, logging.INFO, {})
        lines.flush()
        assert events(stream) == ["first", "second", "third"]

    async def test_while_a_thread_cannot_write_others_do_not_wait_until_too_much_does(self):
        class Hanging(io.StringIO):
            def write(self, text: str) -> int:
                begun.set()
                assert go_on.wait(20)
                return super().write(text)

        begun, go_on, is_full = threading.Event(), threading.Event(), threading.Event()
        stream = Hanging()
        lines = GatheredLines(stream)
        thread = threading.Thread(target=lines.write, args=('{"event": "of the thread"}\n',))
        thread.start()
        await asyncio.to_thread(begun.wait, 20)
        numbers = [str(number) for number in range(MAX_WAITING)]
        for number in numbers[:-1]:
            lines.add(number, logging.INFO, {})
        lines.write('{"event": "another"}\n')
        lines.flush()

        async def add_the_last() -> None:
            lines.add(numbers[-1], logging.INFO, {})
            is_full.set()

        adding = threading.Thread(target=asyncio.run, args=(add_the_last(),))
        adding.start()
        assert not await asyncio.to_thread(is_full.wait, 0.2)
        go_on.set()
        for each in (thread, adding):
            await asyncio.to_thread(each.join, 20)
        lines.finish()
        assert events(stream) == ["of the thread", *numbers[:-1], "another", numbers[-1]]

    async def test_a_stream_that_nobody_reads_any_more_harms_nobody(self):
        class Broken(io.StringIO):
            def write(self, _text: str) -> int:
                raise BrokenPipeError

        lines = GatheredLines(Broken())
        lines.add("first", logging.INFO, {})
        lines.flush()
        lines.write("second\n")


class TestWhatIsInALine:
    async def told(self, fields: dict[str, Any]) -> dict[str, Any]:
        stream = io.StringIO()
        lines = GatheredLines(stream)
        lines.add("rpc", logging.WARNING, fields)
        lines.flush()
        line: dict[str, Any] = json.loads(stream.getvalue())
        return line

    async def test_a_line_has_its_fields_its_event_its_level_and_its_time(self):
        line = await self.told({"code": "OK", "ms": 0.25})
        assert list(line) == ["code", "ms", "event", "level", "timestamp"]
        assert (line["code"], line["ms"], line["event"], line["level"]) == ("OK", 0.25, "rpc", "warning")

    async def test_half_a_character_is_told_and_keeps_no_other_line_from_being_written(self):
        assert (await self.told({"cause": "half \ud83d"}))["cause"] == "half \ud83d"

    async def test_what_is_no_json_is_told_in_words(self):
        assert (await self.told({"cause": ValueError("no")}))["cause"] == "no"


_PROGRAM = """
import asyncio, logging
from twinfront_program.log import configure_logging, frequent_event, get_logger
configure_logging({log_format!r}, "info", lambda: {{"call_id": "of the context"}})
log = get_logger()
async def main():
    {body}
asyncio.run(main())
"""


def told(log_format: str, body: str) -> list[str]:
    program = _PROGRAM.format(log_format=log_format, body=body)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stderr.splitlines()


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_frequent_event_looks_as_one_that_is_logged_by_itself(log_format: str):
    often, once = told(
        log_format,
        "frequent_event(log, 'rpc')(logging.INFO, {'call_id': 'mine', 'ms': 0.5}); "
        "log.info('rpc', call_id='mine', ms=0.5)",
    )
    if log_format == "json":
        first, second = json.loads(often), json.loads(once)
        assert list(first) == list(second)
        shape = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z"
        assert [bool(re.fullmatch(shape, line["timestamp"])) for line in (first, second)] == [True, True]
        assert first["timestamp"] <= second["timestamp"]
        del first["timestamp"], second["timestamp"]
        assert first == second
    else:
        assert often.split("Z ", 1)[1] == once.split("Z ", 1)[1]


def test_what_waits_when_the_program_ends_is_written():
    [line] = told("json", "frequent_event(log, 'rpc')(logging.INFO, {})")
    assert json.loads(line)["event"] == "rpc"


def test_what_waits_when_the_program_fails_is_written():
    program = _PROGRAM.format(
        log_format="json", body="frequent_event(log, 'rpc')(logging.INFO, {}); raise SystemExit(3)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stderr)["event"]) == (3, "rpc")


def test_lines_of_logging_come_after_what_waits():
    lines = told("json", "frequent_event(log, 'rpc')(logging.INFO, {}); logging.getLogger('other').warning('after')")
    assert [json.loads(line)["event"] for line in lines] == ["rpc", "after"]


def test_a_log_that_says_more_of_itself_says_it_of_frequent_events_too():
    [line] = told("json", "frequent_event(log.bind(part='one'), 'rpc')(logging.INFO, {})")
    assert json.loads(line)["part"] == "one"
