"""Servers that ask who calls, and issuers of tokens for them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tests.rpc.serving.echo import EchoServer

from twinfront_program.log import get_logger
from twinfront_server.access.authenticator import open_authenticator
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings

from .issuer import Issuer


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@asynccontextmanager
async def guarded(**settings: Any) -> AsyncIterator[EchoServer]:
    """The service of all four cardinalities, served to those who say who they are."""
    checked = Settings(listen="127.0.0.1:0", **settings)
    metrics = Metrics(CollectorRegistry())
    async with (
        open_authenticator(checked, metrics, get_logger()) as authenticator,
        EchoServer(checked, authenticator, metrics=metrics) as server,
    ):
        # Its methods are not in the contract, so there are no rules for them.
        del server.chain.links["authorization"]
        yield server


@pytest.fixture
async def echo(issuer: Issuer) -> AsyncIterator[EchoServer]:
    """The service for those who have a token of the issuer's."""
    async with guarded(**issuer.settings()) as echo:
        yield echo
