"""Files: written whole or not at all, and read by those alone who are meant to, whatever the umask is."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
_DIRECTORY_MODE: Final = 0o700
_SIDE_FILES: Final = ("-wal", "-shm", "-journal")


def replace_file(file: Path, content: bytes, mode: int = 0o644) -> None:
    """Writes a file, so that a start that is cut short leaves nothing for the next to stumble on.

    Raises:
        OSError: it cannot be written.
    """
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)  # by an earlier start, and perhaps with other rights
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)


def make_private(path: Path) -> None:
    """Creates a file if need be, and takes from others what they may do with it.

    Raises:
        OSError: it cannot be created.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
    except FileExistsError:
        _leave(path, FILE_MODE)


def make_database_private(path: Path) -> None:
    """Does the same with a database; SQLite gives the files beside it the rights of the database itself.

    Raises:
        OSError: a file cannot be created.
    """
    make_private(path)
    for suffix in _SIDE_FILES:
        beside = path.with_name(f"{path.name}{suffix}")
        if beside.exists():  # an earlier process was killed
            make_private(beside)


def make_directory_private(path: Path, *, holding: str) -> None:
    """Creates a directory if need be; one that is empty, or has a file named `holding`, is closed to others.

    Any other directory belongs to more than this, and so does one for all, like /tmp.

    Raises:
        OSError: it cannot be created.
    """
    path.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    ours = (path / holding).exists() or not any(path.iterdir())
    if ours and not path.stat().st_mode & 0o1000:
        _leave(path, _DIRECTORY_MODE)


def _leave(path: Path, mode: int) -> None:
    """Takes all other rights away and gives none: who made a file read-only for its owner meant it."""
    with suppress(PermissionError):  # it is somebody else's, who has let this user write to it
        path.chmod(stat.S_IMODE(path.stat().st_mode) & mode)
