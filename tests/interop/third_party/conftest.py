"""A server for each way to serve, started when a test first needs it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from ..serving import MODES, Endpoint, served
from .corridors import build_corridors


@pytest.fixture(scope="session")
def serve_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Endpoint]]:
    with ExitStack() as stack:
        endpoints: dict[str, Endpoint] = {}

        def serve(mode: str) -> Endpoint:
            if mode not in endpoints:
                folder = tmp_path_factory.mktemp(mode)
                endpoints[mode] = stack.enter_context(served(mode, folder, ["--sample"], {}))
                build_corridors(endpoints[mode])
            return endpoints[mode]

        yield serve


@pytest.fixture(params=MODES)
def endpoint(request: pytest.FixtureRequest, serve_once: Callable[[str], Endpoint]) -> Endpoint:
    """The server in the clear, over TLS and over mTLS, one after the other."""
    return serve_once(request.param)


@pytest.fixture
def clear_endpoint(serve_once: Callable[[str], Endpoint]) -> Endpoint:
    """The server in the clear, for what the way to it does not matter to."""
    return serve_once("clear")


@pytest.fixture
def without_certificate(serve_once: Callable[[str], Endpoint]) -> Endpoint:
    """The server that asks for certificates, as a caller sees it who has none."""
    return replace(serve_once("mtls"), client=None)
