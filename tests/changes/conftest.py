"""A broker for the tests of a session."""

from collections.abc import Iterator

import pytest
from tests.changes.kafka_broker import Broker


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    pytest.importorskip("aiokafka")
    running = Broker(tmp_path_factory.mktemp("kafka"))
    running.start()
    yield running
    running.kill()
