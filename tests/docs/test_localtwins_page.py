"""The page of localtwins: its blocks run one after another, and what it lists is what the service has."""

import asyncio
import dataclasses
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.contract.js_sdk.test_js_sdk import sdk as js_sdk  # noqa: F401  (a fixture)
from tests.localtwins.serving import Server, serving
from tests.rpc.serving import process

from localtwins import limits as request_limits
from localtwins.faults import parse_faults
from localtwins.query import limits
from localtwins.rest.call import API_VERSIONS

from . import blocks
from .blocks import CHECKOUT, Block

PAGE = CHECKOUT / "docs" / "localtwins.md"
TEXT = PAGE.read_text()
URLS = ("https://127.0.0.1:8443", "http://127.0.0.1:8080")
PROGRAM = {"localtwins ": f"{Path(sys.executable).parent / 'localtwins'} "}
NOT_RUN = {"csharp", "java"}
OFTEN_MISSING = {"keytool"}
PATIENCE = 20.0


def section(heading: str) -> str:
    """The text of a section, without its heading."""
    _, _, rest = TEXT.partition(f"\n## {heading}\n")
    assert rest, f"there is no section {heading}"
    return rest.partition("\n## ")[0]


class Reader:
    """Somebody who does in a folder what the page says, from top to bottom."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._server: Server | None = None
        self._client = ""
        self.ran: list[Block] = []

    async def take(self, block: Block) -> None:
        if block.language == "python":
            await self._python(block)
        elif block.language == "sh":
            *commands, last = _commands(block.text)
            program, *words = shlex.split(last)
            if (program, *words[:1]) == ("localtwins", "serve"):
                await self._shell(dataclasses.replace(block, text="\n".join(commands), output=None))
                await self._serve(words[1:])
            elif program == "twinfront":
                self._serve_front(words[1:])
            elif program in OFTEN_MISSING and shutil.which(program) is None:
                return
            else:
                await self._shell(block)
        else:
            assert block.language in NOT_RUN | {"js"}
            return
        self.ran.append(block)

    async def _serve(self, words: list[str]) -> None:
        """Start a server in place of the one before, on a port that is free."""
        await self._stack.aclose()
        if "--listen" in words:
            at = words.index("--listen")
            del words[at : at + 2]
        self._server = await self._stack.enter_async_context(serving(*words))

    def _serve_front(self, words: list[str]) -> None:
        assert words[1] == URLS[0]
        front = process.start(self._folder, [words[0], self._url(), *words[2:]], {})
        front.process.kill()
        front.process.wait()

    async def _python(self, block: Block) -> None:
        """Run a block; one that makes no client goes on with that of an earlier block."""
        if "DigitalTwinsClient(" not in block.text:
            block = dataclasses.replace(block, text=self._client + block.text)
        elif not self._client:
            self._client = block.text
        await asyncio.to_thread(blocks.run, block, dict.fromkeys(URLS, self._url()), self._folder)

    async def _shell(self, block: Block) -> None:
        """Run a block; what it shows may take a moment to be so."""
        replacements = PROGRAM | dict.fromkeys(URLS, self._url())
        end = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                return await asyncio.to_thread(blocks.run, block, replacements, self._folder)
            except (AssertionError, ValueError):
                if asyncio.get_running_loop().time() > end or "--request PUT" in block.text:
                    raise
                await asyncio.sleep(0.1)

    def _url(self) -> str:
        return self._server.url if self._server else URLS[0]


def _commands(text: str) -> list[str]:
    return text.replace("\\\n", "").splitlines()


@pytest.mark.timeout(300)
async def test_the_blocks_of_the_page_run_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    every = blocks.blocks(PAGE)
    async with AsyncExitStack() as stack:
        reader = Reader(tmp_path, stack)
        for block in every:
            await reader.take(block)
    left_out = {block.language for block in every if block not in reader.ran}
    assert left_out - {"sh"} == NOT_RUN | {"js"}
    assert "sh" not in left_out or not all(map(shutil.which, OFTEN_MISSING))


async def test_the_block_of_javascript_runs(js_sdk: Path, tmp_path: Path):  # noqa: F811
    [block] = [block for block in blocks.blocks(PAGE) if block.language == "js"]
    (tmp_path / "node_modules").symlink_to(js_sdk / "node_modules")
    async with serving("--data-dir", str(tmp_path / "localtwins-data")) as server:
        assert URLS[0] in block.text
        (tmp_path / "main.mjs").write_text(block.text.replace(URLS[0], server.url))
        finished = await asyncio.to_thread(_node, tmp_path)
    assert (finished.stdout, finished.stderr, finished.returncode) == (block.output, "", 0)


def _node(folder: Path) -> "subprocess.CompletedProcess[str]":
    [command] = re.findall(r"`(NODE_EXTRA_CA_CERTS=\S+ node main\.mjs)`", TEXT)
    return subprocess.run(
        ["bash", "-euc", command], cwd=folder, env=os.environ, capture_output=True, text=True, timeout=60, check=False
    )


def faults_on_the_page() -> Iterator[str]:
    kinds = r"(?:latency|error|throttle|lost)(?:[=:][\w.=:+-]+)?"
    return (fault for fault in re.findall(rf"[`'=]({kinds})[`' ]", section("Faults on demand")))


def test_the_faults_of_the_page_can_be_injected():
    faults = list(faults_on_the_page())
    assert {fault.partition("=")[0].partition(":")[0] for fault in faults} == {"latency", "error", "throttle", "lost"}
    assert all(len(parse_faults(fault)) == 1 for fault in faults)


def test_the_limits_of_queries_are_those_of_the_page():
    stated = " ".join(section("Queries").split())
    for limit in (
        f"Pages have {limits.DEFAULT_PAGE} rows",
        f"up to {limits.LARGEST_PAGE:,}.",
        f"{limits.QUERY_LENGTH:,} characters",
        f"{limits.OPERATORS} `AND` and `OR`",
        f"{limits.LIST_ITEMS} items in a list",
        f"{limits.JOINS} `JOIN`s",
        f"{limits.HOPS} hops",
    ):
        assert limit in stated


STATED_AS = {
    "TWIN_BODY_BYTES": "| body that writes a twin, a component or a relationship | {:,} bytes |",
    "OTHER_BODY_BYTES": "| any other body | {:,} bytes |",
    "MODEL_VALUES": "| values and names in the JSON of models | {:,} |",
    "NESTING": "| levels of objects and arrays in JSON | {:,} |",
    "PATCH_OPERATIONS": "| operations of a patch | {:,} |",
    "PATCH_PATH_LENGTH": "| characters in the path of an operation | {:,} |",
    "PATH_LENGTH": "| characters in the path of a URL | {:,}, over HTTP",
    "QUERY_LENGTH": "| characters in the query of a URL | {:,} |",
    "QUERY_PARAMETERS": "| parameters in the query of a URL | {:,} |",
    "HEADER_LENGTH": "| characters in a header field | {:,} |",
    "PROBLEMS": "An error lists {:,} problems",
    "MESSAGE_LENGTH": "a message of more than {:,} characters",
}


def test_every_limit_of_a_request_is_on_the_page():
    named = {name: value for name, value in vars(request_limits).items() if name.isupper()}
    assert named.keys() == STATED_AS.keys()
    for name, value in named.items():
        assert STATED_AS[name].format(value) in section("Limits"), name


def test_the_api_versions_are_those_of_the_page():
    assert set(re.findall(r"20\d\d-\d\d-\d\d(?:-preview)?(?=[ ,.\n])", section("What is the same"))) == API_VERSIONS


def test_the_page_links_to_all_its_sections():
    links = set(re.findall(r"\(#([\w-]+)\)", TEXT))
    headings = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    assert links == {heading.lower().replace(" ", "-") for heading in headings}
