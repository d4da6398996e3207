"""The official Python SDK's own test suite passes against `localtwins serve` over HTTPS.

The suite ships in the source distribution of azure-digitaltwins-core, which is downloaded into the user's cache on
first use. Each of its files runs in a pytest process of its own against a new server; what it imports as
`devtools_testutils` is the stand-in beside this file. The tests that skip themselves were skipped by their authors.
"""

import asyncio
import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.caches import filling

from ...localtwins.serving import serving

PACKAGE = "azure-digitaltwins-core"
VERSION = "1.3.0"
TESTS = 176
RESOURCES = ("components", "digital_twins", "event_routes", "models", "relationships")
FILES = sorted(f"test_{resource}{flavour}.py" for resource in RESOURCES for flavour in ("", "_async"))


@dataclass(frozen=True)
class Outcome:
    """How one of the official tests went: `passed`, `failed` or `skipped`, with the report of a failure."""

    test: str
    outcome: str
    report: str


@pytest.fixture(scope="session")
def suite() -> Path:
    """The folder of the official tests."""
    with filling(f"{PACKAGE}-{VERSION}") as cache:
        unpacked = cache / f"{PACKAGE.replace('-', '_')}-{VERSION}"
        if not (unpacked / "tests" / FILES[-1]).is_file():
            options = ["--quiet", "--no-deps", "--no-binary", PACKAGE, "--dest", str(cache)]
            download = [sys.executable, "-m", "pip", "download", *options, f"{PACKAGE}=={VERSION}"]
            if subprocess.run(download, capture_output=True, check=False).returncode != 0:
                pytest.skip(f"pip could not download the source of {PACKAGE} {VERSION}, which has the suite in it")
            with tarfile.open(next(cache.glob("*.tar.gz"))) as archive:
                archive.extractall(cache, filter="data")
    return unpacked / "tests"


def run(file: Path, url: str, authority: Path, report: Path) -> list[Outcome]:
    """Run a file of tests in a process of its own."""
    # The settings of this project do not apply: the suite leaves clients open, and warnings are errors here.
    settings = ["--config-file", os.devnull, "--rootdir", str(file.parent), "-o", "asyncio_mode=auto"]
    plugins = ["-p", "devtools_testutils.fixtures", "-p", "no:cacheprovider"]
    variables = {
        "AZURE_DIGITALTWINS_URL": url,
        "AZURE_DIGITALTWINS_CA": str(authority),
        "PYTHONPATH": str(Path(__file__).parent),
    }
    process = subprocess.run(
        [sys.executable, "-m", "pytest", *settings, *plugins, "--junitxml", str(report), str(file)],
        cwd=file.parent,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.is_file(), process.stdout + process.stderr
    outcomes = [outcome_of(case) for case in ET.parse(report).iter("testcase")]
    assert process.returncode == 0 or any(outcome.outcome == "failed" for outcome in outcomes), process.stdout
    return outcomes


def outcome_of(case: ET.Element) -> Outcome:
    name = f"{case.get('classname')}::{case.get('name')}"
    for tag, outcome in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        if (element := case.find(tag)) is not None:
            return Outcome(name, outcome, element.text or "")
    return Outcome(name, "passed", "")


@pytest.mark.parametrize("file", FILES)
async def test_the_official_tests_pass(file: str, suite: Path, outcomes: dict[str, str], tmp_path: Path):
    async with serving("--data-dir", str(tmp_path / "data")) as server:
        authority = tmp_path / "data" / "tls" / "ca.pem"
        results = await asyncio.to_thread(run, suite / file, server.url, authority, tmp_path / "report.xml")
    outcomes.update({result.test: result.outcome for result in results})
    failed = [f"{result.test}\n{result.report}" for result in results if result.outcome == "failed"]
    if failed or not results:
        pytest.fail("\n\n".join(failed) or "there are no tests", pytrace=False)


def test_the_suite_is_the_one_that_is_known(suite: Path):
    assert sorted(file.name for file in suite.glob("test_*.py")) == FILES
    assert sum(file.read_text(encoding="utf-8").count("def test_") for file in suite.glob("test_*.py")) == TESTS
