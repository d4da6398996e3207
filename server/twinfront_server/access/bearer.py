"""Reads the token out of `authorization: Bearer …`."""

from collections.abc import Sequence
from typing import Final

from twinfront_server.errors import credentials_invalid

KEY: Final = "authorization"
"""The name of the header, as gRPC hands it over."""

MAX_TOKEN: Final = 16 << 10
"""Characters of the longest token that is looked at; one with 200 groups of Entra's has some 11,000."""

_SCHEME: Final = "bearer "


def bearer_token(values: Sequence[str | bytes]) -> str | None:
    """Gives the token, or none if there is no header.

    Args:
        values: those of all headers of that name.

    Raises:
        TwinfrontError: CREDENTIALS_INVALID, if it is no token, or too long to be one, or there are several.
    """
    if not values:
        return None
    if len(values) > 1:
        # One that checks the first and one that checks the last would see two callers.
        raise credentials_invalid("There are several authorization headers.")
    [value] = values
    if len(value) > MAX_TOKEN + len(_SCHEME):
        raise credentials_invalid(f"The token is longer than {MAX_TOKEN} characters.")
    if isinstance(value, bytes) or not value.isascii():
        raise credentials_invalid("The authorization header has characters that no token has.")
    scheme, token = value[: len(_SCHEME)], value[len(_SCHEME) :].strip()
    if scheme.lower() != _SCHEME or not token:
        raise credentials_invalid("The authorization header does not have the form 'Bearer TOKEN'.")
    return token
