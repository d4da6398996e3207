"""The authorities that certificates of the upstream, and of its source of changes, are checked against."""

import ssl

from twinfront_program.startup_error import StartupError


def authorities(flag: str, ca_file: str | None) -> ssl.SSLContext | None:
    """Gives the authorities in the file of a flag; None without one, where those of the system are meant.

    Raises:
        StartupError: the file cannot be read.
    """
    if ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise StartupError(f"The CA file {ca_file} of {flag} cannot be read: {error}") from error
