"""Every code block that a page shows does what the page says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from twinfront_server.metric_table import METRICS

from . import blocks
from .blocks import CHECKOUT, PAGES, Block


def of(page: str) -> list[Block]:
    return blocks.blocks(CHECKOUT / page)


def all_blocks(language: str) -> list[Block]:
    return [block for page in PAGES for block in blocks.blocks(page) if block.language == language]


@pytest.mark.parametrize(
    "page", ["README.md", "docs/errors.md", "docs/guarantees.md", "docs/metrics.md", "docs/settings.md"]
)
def test_the_blocks_of_a_page_run_one_after_the_other(page: str, places: dict[str, str]):
    ran = [
        block
        for block in of(page)
        if block.language in {"python", "sh"} and not block.text.startswith(("make ", "grpcurl "))
    ]
    for block in ran:
        blocks.run(block, places)
    assert ran


def test_the_quickstart_can_be_run_again(places: dict[str, str]):
    quickstart = next(block for block in of("README.md") if block.language == "python")
    blocks.run(quickstart, places)
    blocks.run(quickstart, places)


@pytest.mark.parametrize(("target", "command"), [("run", "twinfront serve"), ("test", "python -m pytest")])
def test_the_make_targets_do_what_they_are_shown_for(target: str, command: str):
    assert f"make {target}\n" in [block.text for block in of("README.md")]
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    # Without the option a make inside of `make test` has a last word of its own.
    plan = [make, "--no-print-directory", "-n", target]
    planned = subprocess.run(plan, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    assert command in planned.splitlines()[-1]


@pytest.mark.timeout(600)
def test_grpcurl_shows_what_the_page_shows(grpcurl: Path, places: dict[str, str]):
    [block] = [block for block in of("README.md") if block.text.startswith("grpcurl ")]
    blocks.run(block, {"grpcurl ": f"{grpcurl} ", **places})


def test_queries_name_metrics_that_there_are():
    queries = all_blocks("promql")
    families = {metric.name: metric.labels for metric in METRICS}
    for query in queries:
        names = re.findall(r"\b(?:grpc_server|twinfront)_\w+", query.text)
        assert {name.removesuffix("_bucket") for name in names} <= families.keys()
        labels = {label for name in names for label in families[name.removesuffix("_bucket")]}
        assert set(re.findall(r"(\w+)=\"", query.text)) <= labels
    assert queries


def test_there_is_no_kind_of_block_that_no_test_looks_at():
    languages = {block.language for page in PAGES for block in blocks.blocks(page)}
    assert languages == {"python", "sh", "text", "promql", "js", "csharp", "java", "xml", "yaml", "rego"}
    pictures = [block for block in all_blocks("text") if block.page not in {"README.md", "CONTRIBUTING.md"}]
    assert not pictures, "only these have pictures; every other text block is the output of the block before"
    assert {block.page for language in ("python", "sh") for block in all_blocks(language)} == {
        "README.md",
        "cookbook.md",
        "errors.md",
        "guarantees.md",
        "localtwins.md",
        "metrics.md",
        "settings.md",
    }


def test_a_block_that_prints_something_else_fails():
    block = Block("page.md", 1, "python", "print('this')", "that\n", "text")
    with pytest.raises(AssertionError, match=r"page\.md:1 printed:\nthis"):
        blocks.run(block, {})
    with pytest.raises(AssertionError, match=r"page\.md:1 failed"):
        blocks.run(Block("page.md", 1, "sh", "exit 3", None, None), {})
