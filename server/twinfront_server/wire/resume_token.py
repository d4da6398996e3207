"""The tokens of a watch: sealed as page tokens are, and bound to what is watched, however it is gone on with."""

import hashlib
from typing import Final

from twinfront.v1.change_service_pb2 import GetChangeLogRequest, WatchRequest
from twinfront_server.errors import TwinfrontError, invalid_argument
from twinfront_server.reasons import Reason
from twinfront_server.wire.page_token import PageTokens, identity_of

_CHANGING: Final = frozenset({"resume_token", "start_time", "on_expired", "checkpoint_interval"})


class ResumeTokens:
    """Makes and reads the tokens of one watch.

    Args:
        tokens: seals them.
        request: says what is watched.
    """

    def __init__(self, tokens: PageTokens, request: WatchRequest) -> None:
        self._tokens = tokens
        # A filter may be long, and there is a token in every message.
        self._identity = hashlib.sha256(identity_of(request, _CHANGING)).digest()

    def seal(self, place: bytes) -> str:
        """Gives the token of a place."""
        return self._tokens.seal_for(self._identity, place)

    def open(self, token: str) -> bytes:
        """Gives the place of a token of this watch, or of one that any watch can begin with.

        Raises:
            TwinfrontError: RESUME_TOKEN_INVALID for anything else.
        """
        for identity in (self._identity, _of_any_watch()):
            place = self._tokens.open_for(identity, token)
            if place is not None:
                return place
        raise resume_token_invalid(
            "is not a token of this watch; the fields beside it have to be as they were, save on_expired and "
            "checkpoint_interval"
        )


def seal_for_any_watch(tokens: PageTokens, place: bytes) -> str:
    """Gives the token of a place that any watch of the current caller can begin with."""
    return tokens.seal_for(_of_any_watch(), place)


def resume_token_invalid(description: str) -> TwinfrontError:
    """Makes the error of a token with which this watch cannot go on."""
    return invalid_argument("resume_token", description, reason=Reason.RESUME_TOKEN_INVALID)


def _of_any_watch() -> bytes:
    return identity_of(GetChangeLogRequest(), frozenset())
