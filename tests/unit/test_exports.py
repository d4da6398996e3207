"""What packages say that they export."""

import importlib
from pathlib import Path

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
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_embedding_localtwins_takes_the_names_of_the_package_alone():
    names: dict[str, object] = {}
    exec("from localtwins import *", names)
    assert {"LocalTwins", "Request", "Response", "Settings", "StartupError"} <= names.keys()
