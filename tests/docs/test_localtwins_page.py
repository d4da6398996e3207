"""What the page says localtwins does not serve is not served, and what it serves is not said to be missing."""

import re

import pytest

from localtwins import LocalTwins, Request

from .blocks import CHECKOUT

PAGE = (CHECKOUT / "docs" / "localtwins.md").read_text()

# What is missing is one sentence: "No queries, telemetry, … and delete jobs yet".
MISSING = re.search(r"^- No (.*?) yet", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("name", "method", "path"),
    [
        ("queries", "POST", "/query"),
        ("telemetry", "POST", "/digitaltwins/room-1/telemetry"),
        ("event routes", "GET", "/eventroutes"),
        ("import jobs", "GET", "/jobs/imports"),
        ("delete jobs", "GET", "/jobs/deletions"),
    ],
)
async def test_what_is_not_served_is_said_to_be_missing(name: str, method: str, path: str):
    service = await LocalTwins.open(":memory:")
    answer = await service.handle(Request(method, path, "api-version=2023-10-31", {}, b"", "https://localtwins"))
    await service.close()
    said_to_be_missing = MISSING is not None and name in " ".join(MISSING[1].split())
    # A path that is served has more to say than a bare 404, be it an error about the request.
    is_missing = (answer.status, answer.body) == (404, b"")
    assert is_missing == said_to_be_missing
