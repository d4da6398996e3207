"""Fixtures that every kind of test uses."""

import gc
import importlib
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

from .clock import Clock
from .engine import pytest_addoption, pytest_collection_modifyitems, pytest_configure  # noqa: F401  (hooks)
from .second_chance import pytest_sessionstart, pytest_terminal_summary  # noqa: F401  (hooks)

# How long an example takes says something of the machine and nothing of the code.
settings.register_profile("without-deadlines", deadline=None)
settings.load_profile("without-deadlines")

# jsonschema would build 38 parsers with it, which takes seconds in each process of tests, to check a format that no
# test asks about. The None stands for a module that is not there.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # see above

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leaves alone, when looking for garbage, what stays to the end: the modules of all tests, and the tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Imports modules of the benchmark, which find each other in their own folder."""
    monkeypatch.syspath_prepend(CHECKOUT / "tests" / "bench")
    return importlib.import_module


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference material: recordings of the real service, real models and graphs.

    It lies beside the checkout in `shared/`, or where TWINFRONT_SHARED says; it is no part of the repository.
    """
    folder = Path(os.environ.get("TWINFRONT_SHARED", CHECKOUT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("the reference material is not beside this checkout (set TWINFRONT_SHARED)")
    return folder
