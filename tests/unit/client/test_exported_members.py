"""What `import twinfront` offers."""

import inspect

import pytest

import twinfront
from twinfront import errors


def test_the_names_in_all_are_sorted() -> None:
    assert twinfront.__all__ == sorted(twinfront.__all__)


def test_all_names_what_the_package_imports() -> None:
    offered = {
        name for name, value in vars(twinfront).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert offered == set(twinfront.__all__)


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
