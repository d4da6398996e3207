"""What `import twinfront` offers."""

import inspect
import subprocess
import sys

import pytest

import twinfront
from twinfront import _exports, errors


def test_the_names_in_all_are_sorted() -> None:
    assert twinfront.__all__ == sorted(twinfront.__all__)


def test_all_names_what_the_package_imports() -> None:
    offered = {
        name for name, value in vars(_exports).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert offered == set(twinfront.__all__)
    assert all(getattr(twinfront, name) is getattr(_exports, name) for name in offered)


def loads(program: str) -> list[str]:
    """The modules of the client that a fresh interpreter has after a program."""
    report = "import sys; print(*(name for name in sys.modules if name.startswith('twinfront')))"
    done = subprocess.run([sys.executable, "-c", f"{program}\n{report}"], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("program", ["import twinfront", "import twinfront; hasattr(twinfront, '__wrapped__')"])
def test_nothing_is_loaded_before_it_is_asked_for(program: str) -> None:
    assert loads(program) == ["twinfront"]


def test_the_stubs_alone_load_no_client() -> None:
    assert "twinfront._exports" not in loads("from twinfront.v1 import model_service_pb2_grpc")


@pytest.mark.parametrize(
    "program",
    [
        "from twinfront import TwinfrontClient",
        "import twinfront; twinfront.errors.TwinNotFoundError",
        "from twinfront import *; TwinfrontClient; patch",
        "import twinfront; assert 'TwinfrontClient' in dir(twinfront)",
    ],
)
def test_the_client_is_loaded_when_it_is_asked_for(program: str) -> None:
    assert "twinfront._exports" in loads(program)


def test_a_name_that_is_not_offered_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'twinfront' has no attribute 'NoSuchClient'"):
        _ = twinfront.NoSuchClient  # type: ignore[attr-defined]  # that is the point
    with pytest.raises(ImportError, match="cannot import name 'NoSuchClient'"):
        from twinfront import NoSuchClient  # type: ignore[attr-defined]  # noqa: F401, PLC0415  (that is the point)


def test_every_error_is_offered() -> None:
    classes = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
    assert classes - {"DecodeError"} <= set(twinfront.__all__)


def test_every_error_is_in_the_tree_that_opens_the_module() -> None:
    assert errors.__doc__ is not None
    drawn = [
        line.split()[-1] if "  " not in line.strip(" │├└─") else line.strip(" │├└─").split()[0]
        for line in errors.__doc__.splitlines()
        if "Error" in line and line.startswith("    ")
    ]
    classes = [name for name, v in vars(errors).items() if inspect.isclass(v) and issubclass(v, errors.TwinfrontError)]
    assert sorted(drawn) == sorted(classes)


@pytest.mark.parametrize("name", twinfront.__all__)
def test_everything_offered_is_described(name: str) -> None:
    assert inspect.getdoc(getattr(twinfront, name))
