"""The sync client is what `make format` generates from the async one."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

CLIENT = Path(__file__).parents[3] / "clients" / "python"


@pytest.fixture(scope="module")
def make_sync() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_sync", CLIENT / "make_sync.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_files_are_what_is_generated(make_sync: ModuleType) -> None:
    assert make_sync.differing() == []


def test_a_file_that_was_edited_is_named(
    make_sync: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for source in make_sync.TO.glob("*.py"):
        (tmp_path / source.name).write_text(source.read_text())
    (tmp_path / "queries.py").write_text("")
    (tmp_path / "extra.py").write_text("")
    monkeypatch.setattr(make_sync, "TO", tmp_path.rename(tmp_path.with_name("_sync")))
    assert make_sync.differing() == ["extra.py", "queries.py"]


@pytest.mark.parametrize("path", sorted((CLIENT / "twinfront" / "_sync").glob("*.py")), ids=lambda path: path.name)
def test_nothing_of_asyncio_is_left(make_sync: ModuleType, path: Path) -> None:
    code = path.read_text().removeprefix(make_sync.MARK)
    assert re.findall(r"\b(?:async|await|aio|_aio|Async\w+)\b", code) == []
