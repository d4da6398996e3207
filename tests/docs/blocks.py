"""The code blocks of a page, run as a reader would run them."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from twinfront_server.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [
    CHECKOUT / "README.md",
    CHECKOUT / "CHANGELOG.md",
    CHECKOUT / "CONTRIBUTING.md",
    *sorted((CHECKOUT / "docs").glob("*.md")),
    *sorted((CHECKOUT / "deploy").glob("*.md")),
]

CLIENT_PAGES = sorted((CHECKOUT / "clients").glob("*/README.md"))
"""Their blocks are of many languages, and stand in examples."""

OUTPUT_LANGUAGES = {"text", "json"}

_BLOCK = re.compile(r"^```(?P<language>[\w,]+)\n(?P<text>.*?)^```\n(?P<between>\s*)", re.MULTILINE | re.DOTALL)

_GENERATED = re.compile(r"<!-- begin .*?<!-- end ", re.DOTALL)

_VARYING = {
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "<uuid>",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)": "<time>",
    r"(?<=\W)17\d{14}(?=\W)": '"<time in microseconds>"',
    r"\s+": " ",
}


@dataclass(frozen=True)
class Block:
    """A block, and what the page shows that comes of it."""

    page: str
    line: int
    language: str
    text: str
    output: str | None
    output_language: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in order; a `text` or `json` block right after another is that one's output.

    The parts that are made from the code are left out.
    """
    text = _GENERATED.sub(lambda part: "\n" * part[0].count("\n"), page.read_text())
    found: list[Block] = []
    end_of_last = -1
    for match in _BLOCK.finditer(text):
        if match["language"] in OUTPUT_LANGUAGES and match.start() == end_of_last:
            last = found.pop()
            found.append(Block(last.page, last.line, last.language, last.text, match["text"], match["language"]))
        else:
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(page.name, line, match["language"], match["text"], None, None))
        end_of_last = match.end()
    return found


def run(
    block: Block, replacements: dict[str, str], folder: Path = CHECKOUT, variables: Mapping[str, str] | None = None
) -> None:
    """Runs a block and holds what it prints against what the page shows.

    Args:
        block: of Python or shell.
        replacements: what stands in the page, and what is there while the tests run.
        folder: where to run it.
        variables: what the reader's shell has besides what is in the environment.
    """
    text = block.text
    for shown, real in {".venv/bin/": f"{Path(sys.executable).parent}/", **replacements}.items():
        text = text.replace(shown, real)
    command = [sys.executable, "-W", "error", "-c", text] if block.language == "python" else ["bash", "-euc", text]
    # Variables that say how the tests are to run look like settings, and a reader's shell has none of them.
    of_the_tests = {line.split()[0] for line in Settings.unknown_variables(os.environ)}
    shell = {name: value for name, value in os.environ.items() if name not in of_the_tests} | dict(variables or {})
    finished = subprocess.run(command, cwd=folder, env=shell, capture_output=True, text=True, timeout=60, check=False)
    printed = finished.stdout + finished.stderr
    if block.output is None or "ERROR" not in block.output:
        assert finished.returncode == 0, f"{block} failed:\n{printed}"
    if block.output is not None:
        assert _comparable(printed, block) == _comparable(block.output, block), f"{block} printed:\n{printed}"


def _comparable(text: str, block: Block) -> object:
    for pattern, name in _VARYING.items():
        text = re.sub(pattern, name, text)
    return json.loads(text) if block.output_language == "json" else text.strip()
