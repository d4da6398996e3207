"""What the log of aiohttp tells of requests that are no HTTP."""

import logging

import pytest
from aiohttp.http_exceptions import BadStatusLine

from localtwins.request_log import HTTP_LOG


def test_a_request_that_is_no_http_is_told_in_one_line_for_those_who_ask(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, HTTP_LOG.name)
    HTTP_LOG.error("Error handling request", exc_info=BadStatusLine("nonsense"))
    [record] = caplog.records
    assert (record.levelname, record.exc_info) == ("INFO", None)
    assert record.getMessage().startswith("refused a request that is no HTTP: ")


def test_a_defect_keeps_its_traceback(caplog: pytest.LogCaptureFixture):
    HTTP_LOG.error("Error handling request", exc_info=ZeroDivisionError())
    [record] = caplog.records
    assert (record.levelname, record.getMessage(), bool(record.exc_info)) == ("ERROR", "Error handling request", True)


def test_a_line_without_an_exception_is_told_as_it_is(caplog: pytest.LogCaptureFixture):
    HTTP_LOG.warning("one of %d", 2)
    [record] = caplog.records
    assert (record.levelname, record.getMessage()) == ("WARNING", "one of 2")
