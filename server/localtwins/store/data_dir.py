"""The data directory, for one process at a time."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Self

from localtwins.files import make_directory_private, make_private
from twinfront_program.startup_error import StartupError

DATABASE_NAME: Final = "localtwins.db"
_LOCK_NAME: Final = "localtwins.lock"


class DataDir:
    """Holds a data directory for this process until `release`, by a lock that dies with the process."""

    def __init__(self, path: Path, lock: IO[str]) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def claim(cls, path: Path) -> Self:
        """Creates the directory if need be and locks it.

        Raises:
            StartupError: it cannot be used, or another process holds it.
        """
        try:
            make_directory_private(path, holding=_LOCK_NAME)
            make_private(path / _LOCK_NAME)
            lock = (path / _LOCK_NAME).open("a+", encoding="utf-8")
        except OSError as error:
            reason = error.strerror or str(error)
            raise StartupError(
                f"The data directory {path} cannot be used: {reason}. Choose another with --data-dir."
            ) from error
        try:
            _lock_file(lock)
        except OSError as error:
            lock.close()
            message = (
                f"The data directory {path} is in use by another process{_holder(path)}. "
                "Stop it, or choose another directory with --data-dir."
            )
            raise StartupError(message) from error
        with suppress(OSError):  # on a full disk the name of the holder is what one can do without
            os.ftruncate(lock.fileno(), 0)
            os.write(lock.fileno(), str(os.getpid()).encode())
        return cls(path, lock)

    def release(self) -> None:
        """Lets others use the directory."""
        self._lock.close()


def _holder(path: Path) -> str:
    try:
        pid = (path / _LOCK_NAME).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return f" (process {pid})" if pid else ""


if sys.platform == "win32":
    import msvcrt

    def _lock_file(file: IO[str]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock_file(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
