"""Fixtures that every kind of test uses."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from .clock import Clock
from .second_chance import pytest_sessionstart, pytest_terminal_summary  # noqa: F401  (hooks)

# How long an example takes says something of the machine and nothing of the code.
settings.register_profile("without-deadlines", deadline=None)
settings.load_profile("without-deadlines")

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference material: recordings of the real service, real models and graphs.

    It lies beside the checkout in `shared/`, or where TWINFRONT_SHARED says; it is no part of the repository.
    """
    folder = Path(os.environ.get("TWINFRONT_SHARED", CHECKOUT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("the reference material is not beside this checkout (set TWINFRONT_SHARED)")
    return folder
