"""The clients and tools, built while the other tests run: the tests of this folder come last."""

from pathlib import Path

import pytest

from .building import Builds
from .languages import LANGUAGES, Language, left_out
from .third_party.tools import GHZ, GRPC_HEALTH_PROBE, GRPCURL, cpp_client

_HERE = Path(__file__).parent
_BUILDS = pytest.StashKey[Builds]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _HERE in item.path.parents)


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    used = {language for item in session.items for language in _languages_of(item)}
    tools = [GRPCURL.path, GRPC_HEALTH_PROBE.path, GHZ.path, cpp_client]
    uses_tools = any(_HERE / "third_party" in item.path.parents for item in session.items)
    session.config.stash[_BUILDS] = Builds(
        {language: language.build for language in LANGUAGES if language in used and not left_out(language)}
        | {tool: tool for tool in tools if uses_tools}
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    if _BUILDS in config.stash:
        config.stash[_BUILDS].stop()


def _languages_of(item: pytest.Item) -> list[Language]:
    callspec = getattr(item, "callspec", None)
    return [value for value in callspec.params.values() if isinstance(value, Language)] if callspec else []


@pytest.fixture(scope="session")
def builds(request: pytest.FixtureRequest) -> Builds:
    """The builds of the clients and tools that tests of this run use."""
    return request.config.stash[_BUILDS]


@pytest.fixture
def built(language: Language, builds: Builds) -> Language:
    """A client that is built."""
    if reason := left_out(language):
        pytest.skip(reason)
    builds.wait_for(language)
    return language
