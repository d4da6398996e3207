"""A server for programs that know nothing of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .local import Local, serving_locally


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving_locally(tmp_path) as local:
        yield local
