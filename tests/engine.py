"""Chooses the engine of the servers in tests: `pytest --engine native`, as processes and within this one alike.

A test of something that the native engine does not do, or does otherwise as documented, is marked
`grpcio_engine("what")`, and skipped there.
"""

import pytest

GRPCIO = "grpcio"

_chosen = GRPCIO

needs_tls = pytest.mark.grpcio_engine("TLS")


def variables() -> dict[str, str]:
    """The variables with which a server process has the engine."""
    return {} if _chosen == GRPCIO else {"TWINFRONT_ENGINE": _chosen}


def is_grpcio(*, takes_stream: bool = False) -> bool:
    """Tells whether grpcio answers calls: all of them, or else those that take a stream of requests."""
    return takes_stream or _chosen == GRPCIO


def pushback(milliseconds: str, *, takes_stream: bool = False) -> str | None:
    """Gives what `grpc-retry-pushback-ms` is in place of this value: the native engine does not send that trailer."""
    return milliseconds if is_grpcio(takes_stream=takes_stream) else None


def peer(host: str, *, takes_stream: bool = False) -> str:
    """Gives how the peer begins in place of a host: the native engine hands streams of requests on over a socket."""
    return "unix:" if takes_stream and _chosen != GRPCIO else host


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=(GRPCIO, "native"), default=GRPCIO, help="what servers speak gRPC with")


def pytest_configure(config: pytest.Config) -> None:
    global _chosen  # noqa: PLW0603  (what processes are started with is asked from everywhere)
    config.addinivalue_line("markers", "grpcio_engine(what): of something that is not so on the native engine")
    _chosen = config.getoption("engine")
    if _chosen != GRPCIO:
        from twinfront_server.settings import Settings  # noqa: PLC0415  (loads slowly, and most runs need no other)

        Settings.defaults = {**Settings.defaults, "engine": _chosen}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items if _chosen != GRPCIO else ():
        if mark := item.get_closest_marker("grpcio_engine"):
            item.add_marker(pytest.mark.skip(f"not so on the {_chosen} engine: {mark.args[0]}"))
