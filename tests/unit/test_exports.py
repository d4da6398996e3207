"""What packages say that they export."""

import importlib
from pathlib import Path
from typing import Any

import pytest

SERVER = Path(__file__).resolve().parents[2] / "server"
PACKAGES = sorted(
    ".".join(file.parent.relative_to(SERVER).parts)
    for file in SERVER.rglob("__init__.py")
    if "__all__" in file.read_text()
)


@pytest.mark.parametrize("package", PACKAGES)
def test_all_names_that_a_package_exports_are_there(package: str):
    module = importlib.import_module(package)
    assert module.__all__
    assert [name for name in module.__all__ if getattr(module, name, None) is None] == []


def test_embedding_localtwins_takes_the_names_of_the_package_alone():
    names: dict[str, Any] = {}
    exec("from localtwins import *", names)
    for name in ("LocalTwins", "Request", "Response", "Settings", "StartupError"):
        assert isinstance(names[name], type)
        assert names[name].__name__ == name
