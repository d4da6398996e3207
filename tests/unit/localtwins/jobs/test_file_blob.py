"""Blobs that are files."""

from pathlib import Path

import pytest

from localtwins.jobs.file_blob import FileBlob


@pytest.fixture
def blob(tmp_path: Path) -> FileBlob:
    return FileBlob.below(str(tmp_path), "a.log")


@pytest.mark.parametrize("path", ["a.log", "./a.log", "in/../a.log", "a%2Elog", "{root}/a.log", "//{root}/a.log"])
def test_how_a_path_may_be_written(tmp_path: Path, path: str):
    assert FileBlob.below(str(tmp_path), path.format(root=tmp_path))._path == tmp_path / "a.log"


@pytest.mark.parametrize("path", ["", ".", "..", "../x", "in/../../x", "/etc/passwd", "%2E%2E/x", "{root}-other/x"])
def test_paths_that_lead_elsewhere(tmp_path: Path, path: str):
    with pytest.raises(ValueError, match="is not below"):
        FileBlob.below(str(tmp_path), path.format(root=tmp_path))


def test_links_inside_are_followed_and_links_out_are_not(tmp_path: Path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "inside").symlink_to("file")
    (root / "outside").symlink_to(tmp_path / "file")
    assert FileBlob.below(str(root), "inside")._path == root / "file"
    with pytest.raises(ValueError, match="outside"):
        FileBlob.below(str(root), "outside")


async def test_a_link_that_comes_later_is_not_followed(tmp_path: Path, blob: FileBlob):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "a.log").symlink_to("secret")
    with pytest.raises(OSError, match="symbolic links"):
        await blob.version()
    with pytest.raises(OSError, match="symbolic links"):
        await blob.append(b"x", 0)
    assert (tmp_path / "secret").read_text() == "secret"


async def test_a_blob_is_read_from_an_offset(tmp_path: Path, blob: FileBlob):
    (tmp_path / "a.log").write_bytes(b"0123456789")
    assert [chunk async for chunk in blob.chunks(4, await blob.version())] == [b"456789"]


async def test_a_file_that_changes_meanwhile_is_not_read_on(tmp_path: Path, blob: FileBlob):
    (tmp_path / "a.log").write_bytes(b"x" * (2 << 20))
    chunks = blob.chunks(0, await blob.version())
    await anext(chunks)
    with (tmp_path / "a.log").open("ab") as file:
        file.write(b"more")
    with pytest.raises(OSError, match="changed meanwhile"):
        await anext(chunks)


async def test_offset_zero_begins_anew(tmp_path: Path, blob: FileBlob):
    (tmp_path / "a.log").write_bytes(b"old")
    await blob.append(b"one\n", 0)
    await blob.append(b"two\n", 4)
    assert (tmp_path / "a.log").read_bytes() == b"one\ntwo\n"


async def test_what_is_there_already_is_not_appended_again(tmp_path: Path, blob: FileBlob):
    await blob.append(b"one\n", 0)
    await blob.append(b"tw", 4)
    await blob.append(b"two\nthree\n", 4)
    assert (tmp_path / "a.log").read_bytes() == b"one\ntwo\nthree\n"


@pytest.mark.parametrize("offset", [1, 7])
async def test_an_append_that_does_not_fit_is_refused(tmp_path: Path, blob: FileBlob, offset: int):
    await blob.append(b"one\n", 0)
    with pytest.raises(OSError, match="changed meanwhile"):
        await blob.append(b"x", offset)
    assert (tmp_path / "a.log").read_bytes() == b"one\n"
