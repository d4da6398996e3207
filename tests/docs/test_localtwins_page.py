"""The page of localtwins: its blocks run one after another, and what it lists is what the service has."""

import asyncio
import dataclasses
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.contract.unmodified.local import serving_locally
from tests.contract.unmodified.sdks import java_sdk, javascript_sdk
from tests.localtwins.serving import serving, sourced
from tests.ports import reserved_port
from tests.rpc.serving import process

from localtwins import limits as request_limits
from localtwins.faults import parse_faults
from localtwins.identity.trust import TrustFiles
from localtwins.identity.variables import client_variables
from localtwins.query import limits
from localtwins.rest.call import API_VERSIONS

from . import blocks
from .blocks import CHECKOUT, Block

PAGE = CHECKOUT / "docs" / "localtwins.md"
TEXT = PAGE.read_text()
ADDRESSES = ("127.0.0.1:8443", "127.0.0.1:8444", "127.0.0.1:8080")
PROGRAM = {"localtwins ": f"{Path(sys.executable).parent / 'localtwins'} "}
NOT_RUN = {"csharp"}
RUN_ELSEWHERE = {"js", "java"}
"""By tests of their own, which are left out where there is no Node.js and no Java."""
CHANGES_THE_MACHINE = {"az"}
"""Programs that keep what they are told for all shells of the user; the contract tests run them apart."""
PATIENCE = 20.0


def section(heading: str) -> str:
    """The text of a section, without its heading."""
    _, _, rest = TEXT.partition(f"\n## {heading}\n")
    assert rest, f"there is no section {heading}"
    return rest.partition("\n## ")[0]


class Reader:
    """Somebody who does in a folder what the page says, from top to bottom, in one shell."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._client = ""
        self._variables: dict[str, str] = {}
        self._addresses = {shown: f"127.0.0.1:{reserved_port()}" for shown in ADDRESSES}
        self.ran: list[Block] = []

    async def take(self, block: Block) -> None:
        if block.language == "python":
            await self._python(block)
        elif block.language == "sh":
            *commands, last = _commands(block.text)
            program, *words = shlex.split(self._real(last))
            if (program, *words[:1]) == ("localtwins", "serve"):
                await self._shell(dataclasses.replace(block, text="\n".join(commands), output=None))
                await self._serve(words[1:])
            elif program == ".":
                self._variables = await sourced(self._folder / words[0])
            elif program == "twinfront":
                self._serve_front(words[1:])
            elif program in CHANGES_THE_MACHINE:
                return
            else:
                await self._shell(block)
        else:
            assert block.language in NOT_RUN | RUN_ELSEWHERE
            return
        self.ran.append(block)

    async def _serve(self, words: list[str]) -> None:
        """Start a server in place of the one before."""
        await self._stack.aclose()
        await self._stack.enter_async_context(serving("--listen", self._addresses[ADDRESSES[0]], *words))

    def _serve_front(self, words: list[str]) -> None:
        front = process.start(self._folder, words, self._variables)
        front.end()

    async def _python(self, block: Block) -> None:
        """Run a block; one that makes no client goes on with that of an earlier block."""
        if "DigitalTwinsClient(" not in block.text:
            block = dataclasses.replace(block, text=self._client + block.text)
        elif not self._client:
            self._client = block.text
        await asyncio.to_thread(blocks.run, block, self._addresses, self._folder, self._variables)

    async def _shell(self, block: Block) -> None:
        """Run a block; what it shows may take a moment to be so."""
        end = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                replacements = PROGRAM | self._addresses
                return await asyncio.to_thread(blocks.run, block, replacements, self._folder, self._variables)
            except (AssertionError, ValueError):
                if asyncio.get_running_loop().time() > end or "--request PUT" in block.text:
                    raise
                await asyncio.sleep(0.1)

    def _real(self, text: str) -> str:
        for shown, real in self._addresses.items():
            text = text.replace(shown, real)
        return text


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
    left_out = [block for block in every if block not in reader.ran]
    assert {block.language for block in left_out} == {"sh"} | NOT_RUN | RUN_ELSEWHERE
    assert {block.text.split()[0] for block in left_out if block.language == "sh"} == CHANGES_THE_MACHINE


def the_block(language: str) -> Block:
    [block] = [block for block in blocks.blocks(PAGE) if block.language == language]
    return block


async def test_the_block_of_javascript_runs(tmp_path: Path):
    (tmp_path / "node_modules").symlink_to(javascript_sdk())
    (tmp_path / "main.mjs").write_text(the_block("js").text)
    async with serving_locally(tmp_path) as local:
        ended = await local.run("node", "main.mjs")
    assert (ended.output, ended.status) == (the_block("js").output, 0), ended.errors


async def test_the_block_of_java_runs(tmp_path: Path):
    (tmp_path / "Main.java").write_text(the_block("java").text)
    async with serving_locally(tmp_path) as local:
        ended = await local.run("java", "-cp", java_sdk(), "Main.java")
    assert (ended.output, ended.status) == (the_block("java").output, 0), ended.errors


def test_the_variables_of_the_page_are_those_that_are_set():
    table = section("Point a program at it").partition("| --- | --- |\n")[2].partition("\n\n")[0]
    stated = [name for row in table.splitlines() for name in re.findall("`([A-Z_]+)`", row.split("|")[1])]
    trust = TrustFiles(Path("ca.pem"), Path("bundle.pem"), Path("store.p12"))
    assert sorted(stated) == sorted(client_variables("https://a", "http://b", "secret", trust))


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
    "BLOB_URI_LENGTH": "| characters in the URI of a blob | {:,} |",
    "CHANGES": "The log of changes gives {:,} changes or items in an answer",
    "WAIT_SECONDS": "waits\nfor changes up to {:,} seconds",
    "WAITING_REQUESTS": "{:,} requests do so at once",
    "PAGE_BYTES": "has {:,} bytes of them at the most",
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
