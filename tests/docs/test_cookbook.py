"""The cookbook, cooked from top to bottom: Python as in one session, commands as in one terminal."""

import contextlib
import dataclasses
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.rpc.serving import process

from . import blocks
from .blocks import CHECKOUT, Block

PAGE = CHECKOUT / "docs" / "cookbook.md"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of a server without twins."""
    served = process.start(tmp_path, [], {})
    yield served.address
    served.end()


@pytest.mark.timeout(func_only=True)
def test_the_blocks_of_the_page_run_one_after_the_other(
    address: str, grpcurl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TWINFRONT_ADDRESS", address)
    session: dict[str, Any] = {}
    places = {"grpcurl ": f"{grpcurl} ", "localhost:50051": address}
    try:
        for block in blocks.blocks(PAGE):
            if block.language == "python":
                _go_on(session, block, address)
            else:
                text = re.sub(r"^(?=twinfront )", ".venv/bin/", block.text, flags=re.MULTILINE)
                blocks.run(dataclasses.replace(block, text=text), places, tmp_path)
    finally:
        if "client" in session:
            session["client"].close()


def _go_on(session: dict[str, Any], block: Block, address: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.text.replace("localhost:50051", address), str(block), "exec"), session)
    assert printed.getvalue() == (block.output or ""), str(block)
