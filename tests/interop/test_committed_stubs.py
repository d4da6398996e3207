"""Stubs that are committed are those that the protos give."""

import filecmp
import shutil
from pathlib import Path

import pytest

from .languages import LANGUAGES, Language
from .scenarios import CHECKOUT

COMMITTED = {"go": ["twinfront", "service_config.json"], "rust": ["src/generated"]}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "language", [language for language in LANGUAGES if language.name in COMMITTED], ids=lambda language: language.name
)
def test_generating_the_committed_stubs_again_changes_nothing(built: Language, tmp_path: Path):
    # A copy is generated anew, so that a difference stays one until somebody looks at it.
    ignored = shutil.ignore_patterns("target", "bin", ".git")
    copy = shutil.copytree(built.sources, tmp_path / "clients" / built.name, ignore=ignored, symlinks=True)
    shutil.copytree(CHECKOUT / "protos", tmp_path / "protos")
    built.generate_in(copy)
    for name in COMMITTED[built.name]:
        assert list(_differences(built.sources / name, copy / name)) == []


def _differences(one: Path, other: Path) -> list[str]:
    if one.is_file():
        return [] if filecmp.cmp(one, other, shallow=False) else [one.name]
    names = {path.relative_to(folder) for folder in (one, other) for path in folder.rglob("*") if path.is_file()}
    return [
        str(name)
        for name in sorted(names)
        if not ((one / name).is_file() and (other / name).is_file())
        or not filecmp.cmp(one / name, other / name, shallow=False)
    ]
