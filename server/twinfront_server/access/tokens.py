"""Knows callers by their JSON Web Tokens (RFC 7519)."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import jwt

from twinfront_server.access.bearer import MAX_TOKEN
from twinfront_server.access.claims import claim, texts
from twinfront_server.access.key_set import ALGORITHMS, VerificationKey
from twinfront_server.access.keys import Keys
from twinfront_server.access.principal import Principal
from twinfront_server.errors import TwinfrontError, credentials_invalid

LEEWAY_SECONDS: Final = 30
"""How far the clock of the issuer may be from this one."""

MAX_REMEMBERED: Final = 10_000
MAX_REMEMBERED_CHARACTERS: Final = 16 << 20
"""Tokens that are known to be good, and how long they are together; beyond that the one that was not seen for longest
is checked again. What a token says takes up some three times the memory of its text."""

MAX_NAME: Final = 256
"""Characters of the longest name of a principal: it goes into logs."""

_USUAL: Final = "Bearer "
"""How headers with tokens begin as a rule; `bearer_token` knows the others."""

_MOST_TRIED: Final = 4
"""Keys that a signature is held against, if a token names none, or one that there are several of."""

_REFUSALS: Final[Sequence[tuple[type[jwt.PyJWTError], str]]] = (
    (jwt.ExpiredSignatureError, "The token has expired."),
    (jwt.ImmatureSignatureError, "The token is not valid yet."),
    (jwt.InvalidIssuerError, "The token is of another issuer than this server's."),
    (jwt.InvalidAudienceError, "The token is for another audience than this server."),
    (jwt.InvalidSignatureError, "The token's signature is not that of its key."),
)
"""Texts for callers, by what PyJWT says; whatever else it says, the token cannot be read."""

_ALL_BUT_THE_SIGNATURE: Final[Any] = {
    "verify_signature": False,
    **{f"verify_{claim}": True for claim in ("exp", "nbf", "iat", "aud", "iss")},
}

_UNREADABLE: Final = "The token is no JSON Web Token that can be read."


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Names what a token has to say.

    Attributes:
        issuer: who has to have issued it.
        audiences: it has to be for one of these.
        principal_claim: names the principal.
        roles_claim: has its roles; nested ones as `realm_access.roles`.
        groups_claim: has its groups.
    """

    issuer: str
    audiences: tuple[str, ...]
    principal_claim: str = "sub"
    roles_claim: str = "roles"
    groups_claim: str = "groups"


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that was found good, until when it is, and how long its text is."""

    principal: Principal
    until: float
    characters: int


class Tokens:
    """Checks tokens, and remembers by their hashes those that are good, until they expire or keys change.

    Args:
        rules: what a token has to say.
        keys: those that it has to be signed with.
        clock: the time in seconds since 1970.
    """

    def __init__(self, rules: TokenRules, keys: Keys, *, clock: Callable[[], float] = time.time) -> None:
        self._rules = rules
        self._keys = keys
        self._clock = clock
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._characters = 0
        self._known_at = keys.changes
        required = ["exp", "iss", "aud", rules.principal_claim]
        self._jwt = jwt.PyJWT({"require": required, "enforce_minimum_key_length": True})

    def known(self, header: str) -> Principal | None:
        """Gives the principal of a header with a token that was found good before, and is so still.

        None for all others, and for headers that are not written in the usual way.
        """
        if len(header) > MAX_TOKEN or not (header.startswith(_USUAL) and header.isascii()):
            return None
        known = self._remembered(sha256(header[len(_USUAL) :].encode()).digest())
        return None if known is None or self._clock() >= known.until else known.principal

    async def principal(self, token: str) -> Principal:
        """Gives the principal that a token is of.

        Raises:
            TwinfrontError: CREDENTIALS_INVALID.
        """
        digest = sha256(token.encode()).digest()
        known = self._remembered(digest)
        if known is None:
            keys = await self._possible_keys(token)
            # They may have changed in the meantime; from here on nothing is waited for.
            self._forget_withdrawn()
            known = _Known(*self._checked(token, keys), len(token))
            self._remember(digest, known)
        if self._clock() >= known.until:
            self._forget(digest)
            raise credentials_invalid("The token has expired.")
        return known.principal

    def _forget_withdrawn(self) -> None:
        """Forgets all tokens if the keys have changed: one of them may be signed with a key that was withdrawn."""
        if self._known_at != self._keys.changes:
            self._known.clear()
            self._characters = 0
            self._known_at = self._keys.changes

    def _remembered(self, digest: bytes) -> _Known | None:
        self._forget_withdrawn()
        known = self._known.get(digest)
        if known is not None:
            self._known.move_to_end(digest)
        return known

    def _remember(self, digest: bytes, known: _Known) -> None:
        self._forget(digest)
        self._known[digest] = known
        self._characters += known.characters
        while len(self._known) > MAX_REMEMBERED or self._characters > MAX_REMEMBERED_CHARACTERS:
            self._forget(next(iter(self._known)))

    def _forget(self, digest: bytes) -> None:
        known = self._known.pop(digest, None)
        self._characters -= known.characters if known else 0

    async def _possible_keys(self, token: str) -> Sequence[VerificationKey]:
        """Gives the keys that the header of a token allows for."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise credentials_invalid(_UNREADABLE) from None
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise credentials_invalid("The token is not signed in a way that proves who issued it.")
        key_id = header.get("kid")
        keys = self._keys.find(key_id, algorithm)
        if not keys and self._keys.lacks(key_id):
            self._require_promise(token)
            await self._keys.look_for(key_id)
            keys = self._keys.find(key_id, algorithm)
        if not keys:
            raise credentials_invalid("The token is signed with a key that its issuer does not have (any more).")
        return keys

    def _require_promise(self, token: str) -> None:
        """Requires that a token would be good if its signature were: no issuer is asked for the keys of others."""
        try:
            self._jwt.decode(
                token,
                audience=self._rules.audiences,
                issuer=self._rules.issuer,
                leeway=LEEWAY_SECONDS,
                options=_ALL_BUT_THE_SIGNATURE,
            )
        except jwt.PyJWTError as error:
            raise _refused(error) from None

    def _checked(self, token: str, keys: Sequence[VerificationKey]) -> tuple[Principal, float]:
        """Gives the principal of a token, and until when it is good."""
        refusal: jwt.PyJWTError = jwt.InvalidSignatureError()
        for key in keys[:_MOST_TRIED]:
            try:
                claims = self._jwt.decode(
                    token,
                    key.material,
                    algorithms=sorted(key.algorithms),
                    audience=self._rules.audiences,
                    issuer=self._rules.issuer,
                    leeway=LEEWAY_SECONDS,
                )
            except jwt.InvalidSignatureError as error:
                refusal = error
            except jwt.PyJWTError as error:
                raise _refused(error) from None
            else:
                return self._principal(claims), int(claims["exp"]) + LEEWAY_SECONDS
        raise _refused(refusal)

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        rules = self._rules
        name = claims[rules.principal_claim]
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not name.isprintable():
            raise credentials_invalid(f"The token's claim {rules.principal_claim} is no name of a caller.")
        return Principal(
            name,
            "jwt",
            roles=texts(claim(claims, rules.roles_claim)),
            groups=texts(claim(claims, rules.groups_claim)),
            claims=claims,
        )


def _refused(error: jwt.PyJWTError) -> TwinfrontError:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return credentials_invalid(f"The token has no claim {error.claim}.")
    return credentials_invalid(next((text for kind, text in _REFUSALS if isinstance(error, kind)), _UNREADABLE))
