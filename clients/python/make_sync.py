"""Generates the sync client, `twinfront._sync`, from the async one.

unasync drops `async` and `await` from the code and renames what has another name there; the rest are the few names and
phrases below. What is not the same in both clients is in `_for_asyncio` and `_for_threads`.

    python clients/python/make_sync.py           writes twinfront/_sync (part of `make format`)
    python clients/python/make_sync.py --check   fails where it is not what would be written (part of `make check`)
"""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import unasync

PACKAGE: Final = Path(__file__).parent / "twinfront"
FROM, TO = PACKAGE / "_aio", PACKAGE / "_sync"

MARK: Final = "# Generated from twinfront/_aio by make_sync.py: edit it there, and run `make format`.\n"

NAMES: Final = {
    "_aio": TO.name,
    "_for_asyncio": "_for_threads",
    "aclose": "close",
    "aclosing": "closing",
    "anext": "next",
}

PHRASES: Final = (
    # The names of grpc, in annotations that are texts too.
    (r"\bgrpc\.aio\.", "grpc."),
    # Without asyncio there is nothing to be awaited in what a caller gives.
    (r"\bAwaitable\[None\] \| None", "None"),
    (r" \| (?:Awaitable|AsyncIterable)\[[^][]*\]", ""),
    (r"\bAwaitable\[((?:\w|\[\w+\])+)\]", r"\1"),
    # The client's own names, as of classes in code and in docstrings.
    (r"\bAsync(?=[A-Z])", ""),
    # Examples in docstrings.
    (r"`async (?=for|with)", "`"),
    (r"`await ", "`"),
    # What is said of asyncio.
    (r" \(a coroutine function too\)| \(asynchronous ones too\)", ""),
    (r"The client for asyncio", "The client for code without asyncio"),
    (r"It belongs to the event loop in which it is made\.", "Threads can share it."),
)


def generated() -> dict[str, str]:
    """Makes the text of each file of `twinfront/_sync`, by its name."""
    with TemporaryDirectory() as folder:
        made = Path(folder)
        rule = unasync.Rule(fromdir=f"{made}/{FROM.name}", todir=f"{made}/{TO.name}", additional_replacements=NAMES)
        (made / FROM.name).mkdir()
        for source in FROM.glob("*.py"):
            text = source.read_text()
            for phrase, instead in PHRASES:
                text = re.sub(phrase, instead, text)
            (made / FROM.name / source.name).write_text(MARK + text)
        unasync.unasync_files([str(path) for path in (made / FROM.name).glob("*.py")], [rule])
        for work in (
            ["check", "--fix", "--unsafe-fixes", "--select", "C416,F401,I,UP028", "--quiet"],
            ["format", "--quiet"],
        ):
            settings = ["--config", str(PACKAGE.parents[2] / "pyproject.toml"), "--no-cache"]
            subprocess.run([sys.executable, "-m", "ruff", *work, *settings, str(made / TO.name)], check=True)  # noqa: S603  (nobody else's words)
        return {path.name: path.read_text() for path in (made / TO.name).glob("*.py")}


def differing() -> list[str]:
    """Names the files of `twinfront/_sync` that are not what would be generated."""
    wanted = generated()
    present = {path.name: path.read_text() for path in TO.glob("*.py")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def main() -> int:
    """Writes the files, or with `--check` compares them."""
    if sys.argv[1:] == ["--check"]:
        names = differing()
        if names:
            print(f"twinfront/_sync is not what is generated (run `make format`): {', '.join(names)}")
        return len(names) and 1
    for path in TO.glob("*.py"):
        path.unlink()
    for name, text in generated().items():
        (TO / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
