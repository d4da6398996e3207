"""The secret of the identity endpoint, the same at each start so that variables that were exported stay good."""

import re
import secrets
from pathlib import Path
from typing import Final

from localtwins.files import replace_file

_FORM: Final = re.compile(rb"[A-Za-z0-9_-]{16,100}")


def kept_secret(file: Path) -> str:
    """Gives the secret in a file that only its owner can read, a new one if it holds none.

    Raises:
        OSError: the file can be neither read nor written.
    """
    kept = file.read_bytes() if file.exists() else b""
    if not _FORM.fullmatch(kept):
        kept = secrets.token_urlsafe(24).encode()
        replace_file(file, kept, 0o600)
    return kept.decode()
