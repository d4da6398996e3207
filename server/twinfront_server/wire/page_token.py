"""Page and resume tokens: opaque, authenticated, and bound to the request that they continue (AIP-158)."""

import base64
import binascii
import hashlib
import os
from functools import cached_property
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message

from twinfront_program.light_start import load_later
from twinfront_server.call import current_call
from twinfront_server.errors import invalid_argument
from twinfront_server.reasons import Reason

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

load_later("cryptography.hazmat.primitives.ciphers.aead")

_NONCE_BYTES: Final = 12
_PAGING_FIELDS: Final = frozenset({"page_size", "page_token", "resume_token"})


class PageTokens:
    """Makes and reads page tokens.

    Args:
        key: the secret; servers that stand in for each other need the same one. None for one of this process alone.
    """

    def __init__(self, key: str | None) -> None:
        secret = key.encode() if key else os.urandom(32)
        self._key = hashlib.sha256(secret).digest()

    @cached_property
    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  (left for later by the start)

        return AESGCM(self._key)

    def seal(self, request: Message, place: bytes) -> str:
        """Gives the token of a place in a request's list, for the next request of the same kind."""
        return self.seal_for(identity_of(request, _PAGING_FIELDS), place)

    def seal_for(self, identity: bytes, place: bytes) -> str:
        """Gives the token of a place in what has an identity."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, place, identity)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, request: Message, token: str, field: str = "page_token") -> bytes:
        """Gives the place that a request's token, in a field of that name, stands for; nothing for no token.

        Raises:
            TwinfrontError: PAGE_TOKEN_INVALID for a token that was not made here, or for another request.
        """
        if not token:
            return b""
        place = self.open_for(identity_of(request, _PAGING_FIELDS), token)
        if place is None:
            message = (
                "is not a token of this request's list; the fields beside it have to be as they were, save page_size"
            )
            raise invalid_argument(field, message, reason=Reason.PAGE_TOKEN_INVALID)
        return place

    def open_for(self, identity: bytes, token: str) -> bytes | None:
        """Gives the place that a token stands for in what has an identity; None if it is no such token."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  (left for later by the start)

        try:
            sealed = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], identity)
        except (InvalidTag, UnicodeEncodeError, binascii.Error, ValueError):
            return None


def identity_of(request: Message, changing: frozenset[str]) -> bytes:
    """Gives the part of a request that stays the same while it is gone on with: its kind and all fields but some.

    What is cut to what its caller may see is that caller's alone.
    """
    same = type(request)()
    same.CopyFrom(request)
    for name in changing.intersection(type(request).DESCRIPTOR.fields_by_name):
        same.ClearField(name)
    call = current_call()
    reader = f"{call.principal.source}:{call.principal.name}".encode() if call.scope.is_limited else b""
    kind = type(request).DESCRIPTOR.full_name.encode()
    return b"\0".join((kind, reader, same.SerializeToString(deterministic=True)))
