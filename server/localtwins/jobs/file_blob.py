"""Blobs that are files."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import IO, Final, Self
from urllib.parse import unquote

from localtwins.files import FILE_MODE

_CHUNK: Final = 1 << 20
_SAFELY: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Follows no link and waits for no other end of a pipe, on systems that have the flags."""


class FileBlob:
    """Reads and writes a regular file.

    Args:
        path: has no links in it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def below(cls, directory: str, path: str) -> Self:
        """Gives the file that the percent-encoded `path` names, absolute or from `directory` on.

        Raises:
            ValueError: it is not below the directory once all links are followed.
            OSError: the links cannot be followed.
        """
        root = Path(directory).resolve()
        file = (root / unquote(path, errors="strict")).resolve()
        if file == root or not file.is_relative_to(root):
            raise ValueError(f"{path!r} is not below {directory}")
        return cls(file)

    async def version(self) -> str:
        """Gives size and time of the last modification."""
        with self._open(os.O_RDONLY) as file:
            return _version(file)

    async def chunks(self, offset: int, version: str) -> AsyncGenerator[bytes]:
        """Reads in pieces of 1 MiB."""
        with self._open(os.O_RDONLY) as file:
            file.seek(offset)
            while True:
                if _version(file) != version:
                    raise OSError("the file was changed meanwhile")
                chunk = await asyncio.to_thread(file.read, _CHUNK)
                if not chunk:
                    return
                yield chunk

    async def append(self, data: bytes, offset: int) -> None:
        """Writes and has it on disk."""
        await asyncio.to_thread(self._append, data, offset)

    def _append(self, data: bytes, offset: int) -> None:
        with self._open(os.O_RDWR | os.O_CREAT) as file:
            if offset == 0:
                file.truncate()
            size = file.seek(0, os.SEEK_END)
            if not offset <= size <= offset + len(data):
                raise OSError("the file was changed meanwhile")
            file.write(data[size - offset :])
            file.flush()
            os.fsync(file.fileno())

    def _open(self, flags: int) -> IO[bytes]:
        descriptor = os.open(self._path, flags | _SAFELY, FILE_MODE)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError("it is not a regular file")
        return os.fdopen(descriptor, "rb" if flags == os.O_RDONLY else "r+b")


def _version(file: IO[bytes]) -> str:
    status = os.fstat(file.fileno())
    return f"{status.st_size}-{status.st_mtime_ns}"
