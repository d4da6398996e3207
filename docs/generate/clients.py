"""The same task in every language, from examples that tests compile and run."""

import re
import textwrap
from collections.abc import Callable

from docs.generate.protos import ROOT

TEN_LINES = {
    "python": ("python", "clients/python/examples/ten_lines.py"),
    "go": ("go", "clients/go/examples/ten_lines/main.go"),
    "typescript": ("ts", "clients/typescript/examples/ten_lines.ts"),
    "java": ("java", "clients/java/examples/src/main/java/io/twinfront/examples/TenLines.java"),
    "rust": ("rust", "clients/rust/examples/ten_lines.rs"),
}
"""For each client the language of its code block, and the file."""

_SHOWN = re.compile(r"[^\n]*\bbegin ten lines\b[^\n]*\n(?P<lines>.*?)\n[^\n]*\bend ten lines\b", re.DOTALL)


def ten_lines(client: str) -> Callable[[], str]:
    """Gives the code block of a client: the lines between the marks in its example."""

    def block() -> str:
        language, path = TEN_LINES[client]
        shown = _SHOWN.search((ROOT / path).read_text())
        if shown is None:
            raise LookupError(f"{path} does not mark its ten lines")
        return f"```{language}\n{textwrap.dedent(shown['lines']).strip()}\n```"

    return block
