"""The pages of the clients show code that is compiled and run: each block stands in an example as it is."""

import pytest

from . import blocks
from .blocks import CHECKOUT

LANGUAGES = {
    "python": ("python", ".py"),
    "go": ("go", ".go"),
    "typescript": ("ts", ".ts"),
    "java": ("java", ".java"),
    "rust": ("rust", ".rs"),
}
"""For each client how its blocks are marked, and how its files end."""

OTHER_BLOCKS = {"sh", "toml", "xml"}
"""How a package is asked for."""


@pytest.mark.parametrize("client", LANGUAGES)
def test_every_block_stands_in_an_example(client: str):
    marked, ending = LANGUAGES[client]
    folder = CHECKOUT / "clients" / client
    # A README of Rust is also its documentation, whose blocks say with attributes how they are tested.
    shown = [block for block in blocks.blocks(folder / "README.md") if block.language.split(",")[0] == marked]
    examples = [_folded(path.read_text()) for path in (folder / "examples").rglob(f"*{ending}")]
    assert shown
    for block in shown:
        assert any(_folded(block.text) in example for example in examples), f"{block} is in no example"


@pytest.mark.parametrize("client", LANGUAGES)
def test_there_is_no_block_that_nothing_looks_at(client: str):
    found = {block.language.split(",")[0] for block in blocks.blocks(CHECKOUT / "clients" / client / "README.md")}
    assert found <= {LANGUAGES[client][0]} | OTHER_BLOCKS


def _folded(text: str) -> str:
    """Text without indentation, which depends on where it stands."""
    return "\n".join(line.strip() for line in text.strip().splitlines())
