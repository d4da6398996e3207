"""The file of a Unix socket that a server is to listen on: what is in its way, and who may connect."""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path


def clear_the_way(path: str) -> None:
    """Removes a socket that a server left behind that was killed; one that somebody serves stays.

    Both engines of gRPC would put their own in the place of either, and who serves there would be cut off.

    Raises:
        OSError: if something else is there, or the folder is not.
    """
    if is_left_behind(path):
        Path(path).unlink()


def is_left_behind(path: str) -> bool:
    """Tells whether there is a socket at the path that nobody listens on any more; False if nothing is there.

    Raises:
        OSError: if somebody listens, something else is there, or no file can be made in the folder.
    """
    folder = Path(path).parent
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, f"no file may be made in {folder}")
    try:
        kind = Path(path).lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(kind):
        raise FileExistsError(errno.EEXIST, "a file is there that is no socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except BlockingIOError:
            pass  # who listens there is behind with taking connections
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


@contextlib.contextmanager
def made_with_rights(mode: int) -> Iterator[None]:
    """Has the sockets that are made inside the block the rights of `mode`, from their first moment."""
    before = os.umask(0o777 & ~mode)
    try:
        yield
    finally:
        os.umask(before)
