"""Every client builds, passes its own tests, and does on a live server what the scenarios say, like all the others."""

from collections.abc import Iterator

import pytest
from tests.rpc.serving import process

from twinfront import TwinfrontClient, patch

from .building import Builds
from .languages import LANGUAGES, Language
from .matrix import RUNS, Problems, run_all, run_limited, run_odd, run_unknown, run_watching
from .scenarios import LIMITED_CALLER, LIVE_SERVER, ODD_SERVER, ODD_WATCHING, WATCHING, Line, scenarios
from .serving import UNIX

pytestmark = pytest.mark.timeout(1800)  # the first build fetches and compiles what a client depends on

every_client = pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)

ON_UNIX_SOCKETS = ("python", "go", "java")
"""The clients that take `unix:/path` as their target."""

over_unix_sockets = pytest.mark.parametrize(
    "language", [each for each in LANGUAGES if each.name in ON_UNIX_SOCKETS], ids=lambda language: language.name
)

TOURS = {"go": "readme", "rust": "tour"}
"""The examples that have the blocks of a client's page."""


@pytest.fixture(scope="module")
def sample_building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with the sample building, for the examples."""
    server = process.start(tmp_path_factory.mktemp("served"), ["--sample"], {})
    yield server.address
    server.end()


@pytest.fixture(scope="module", params=RUNS)
def matrix(builds: Builds, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Problems:
    """Runs all clients that are there side by side against one server, and tells what went wrong."""
    return run_all(builds.all_that_succeed(), request.param, tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def odd_matrix(builds: Builds, tmp_path_factory: pytest.TempPathFactory) -> Problems:
    """Runs all clients that are there side by side against the odd server, and tells what went wrong."""
    return run_odd(builds.all_that_succeed(), tmp_path_factory.mktemp("odd"))


def problems_of(language: Language, matrix: Problems, file: str) -> dict[str, list[str]]:
    """Picks what went wrong with one client, by scenario."""
    names = dict.fromkeys(step.place[0] for step in scenarios("any", file).steps)
    return {name: problems for name in names if (problems := matrix[language.name, name])}


@every_client
def test_a_client_builds_and_passes_its_own_tests(built: Language):
    assert not built.missing_tools()


@every_client
def test_a_client_does_what_the_scenarios_say_and_what_the_others_do(built: Language, matrix: Problems):
    assert problems_of(built, matrix, LIVE_SERVER) == {}


@pytest.fixture(scope="module")
def unix_matrix(builds: Builds, tmp_path_factory: pytest.TempPathFactory) -> Problems:
    """Runs the clients that take a Unix socket as their target against a server that listens on one."""
    able = [each for each in builds.all_that_succeed() if each.name in ON_UNIX_SOCKETS]
    return run_all(able, UNIX, tmp_path_factory.mktemp("unix"))


@over_unix_sockets
def test_a_client_does_over_a_unix_socket_what_it_does_elsewhere(built: Language, unix_matrix: Problems):
    assert problems_of(built, unix_matrix, LIVE_SERVER) == {}


@every_client
def test_a_client_meets_odd_answers_and_broken_connections_as_the_others_do(built: Language, odd_matrix: Problems):
    assert problems_of(built, odd_matrix, ODD_SERVER) == {}


@pytest.fixture(scope="module")
def limited_matrix(builds: Builds, tmp_path_factory: pytest.TempPathFactory) -> Problems:
    """Runs all clients that are there side by side as limited callers, and tells what went wrong."""
    return run_limited(builds.all_that_succeed(), tmp_path_factory.mktemp("limited"))


@every_client
def test_a_client_tells_what_its_caller_may_do_and_what_is_kept_from_it(built: Language, limited_matrix: Problems):
    assert problems_of(built, limited_matrix, LIMITED_CALLER) == {}


@pytest.fixture(scope="module")
def watching_matrix(builds: Builds, tmp_path_factory: pytest.TempPathFactory) -> Problems:
    """Runs all clients that are there side by side against a real server and the odd one, and tells what went wrong."""
    return run_watching(builds.all_that_succeed(), tmp_path_factory.mktemp("watched"))


@every_client
def test_a_client_watches_the_graph_and_keeps_a_part_of_it(built: Language, watching_matrix: Problems):
    assert problems_of(built, watching_matrix, WATCHING) == {}
    assert problems_of(built, watching_matrix, ODD_WATCHING) == {}


@pytest.fixture(scope="module")
def unknown(builds: Builds, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Line]]:
    """Runs all clients that are there against a server that does not know them."""
    return run_unknown(builds.all_that_succeed(), tmp_path_factory.mktemp("unknown"))


@every_client
def test_a_client_tells_that_its_token_is_refused(built: Language, unknown: dict[str, list[Line]]):
    [line] = unknown[built.name]
    error = line["error"]
    assert (line["code"], error["kind"], error["reason"]) == (
        "UNAUTHENTICATED",
        "Unauthenticated",
        "CREDENTIALS_INVALID",
    )


@every_client
def test_a_clients_example_meets_a_conflict_and_a_blocked_delete(built: Language, sample_building: str):
    printed = built.run_example("conflict", sample_building).splitlines()
    assert printed in (
        [
            "somebody was faster: true",
            f"temperature: {temperature}",  # as the language writes a double
            f"in the way: {built.name}-lobby leadsTo {built.name}-library",
            "deleted, with relationships: 1",
        ]
        for temperature in ("22", "22.0")
    )


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each.name in TOURS], ids=lambda each: each.name)
def test_the_blocks_of_a_clients_readme_run(built: Language, sample_building: str):
    for _ in range(2):
        assert built.run_example(TOURS[built.name], sample_building)


@every_client
def test_the_ten_lines_of_a_clients_readme_run(built: Language, sample_building: str):
    with TwinfrontClient(sample_building) as client:
        client.update_digital_twin("room-001", patch().replace("/temperature", 20.0))
        assert built.run_example("ten_lines", sample_building) == ""
        assert client.get_digital_twin("room-001")["temperature"] == 22.5
