"""The clients and tools, built while other tests run.

The tests of this folder come first, for they take longest; whoever has to wait for a build leaves the processor to it.
"""

import os
from functools import partial
from pathlib import Path

import pytest
from tests.tools import GHZ, GRPC_HEALTH_PROBE, GRPCURL

from .building import Builds, in_background
from .languages import LANGUAGES, Language, left_out
from .third_party.cpp_client import cpp_client

_HERE = Path(__file__).parent
_BUILDS = pytest.StashKey[Builds]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _HERE not in item.path.parents)


def pytest_collection_finish(session: pytest.Session) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    folder = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    builds = session.config.stash[_BUILDS] = Builds(folder.parent if worker else folder)
    if session.config.option.collectonly or worker not in {None, "gw0"}:
        return
    used = {language for item in session.items for language in _languages_of(item)}
    clients = [partial(builds.build, each) for each in LANGUAGES if each in used and not left_out(each)]
    uses_tools = any(_HERE / "third_party" in item.path.parents for item in session.items)
    tools = [GRPCURL.path, cpp_client, GRPC_HEALTH_PROBE.path, GHZ.path]
    in_background([*clients, *(tools if uses_tools else [])])


def _languages_of(item: pytest.Item) -> list[Language]:
    callspec = getattr(item, "callspec", None)
    return [value for value in callspec.params.values() if isinstance(value, Language)] if callspec else []


@pytest.fixture(scope="session")
def builds(request: pytest.FixtureRequest) -> Builds:
    """The builds of this test run."""
    return request.config.stash[_BUILDS]


@pytest.fixture
def built(language: Language, builds: Builds) -> Language:
    """A client that is built."""
    if reason := left_out(language):
        pytest.skip(reason)
    return builds.build(language)
