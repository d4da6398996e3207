"""Reads a JSON Web Key Set (RFC 7517): the public keys that tokens are signed with, and what each may be used for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import jwt
import orjson

MAX_KEYS: Final = 100
"""Keys of a set that are looked at; those of the largest providers have some ten."""

_MIN_RSA_BITS: Final = 2048
_MAX_RSA_BITS: Final = 8192
"""A shorter modulus can be factored, a longer one takes milliseconds to check a signature with."""

_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")

_ALGORITHMS: Final[Mapping[tuple[object, object], Sequence[str]]] = {
    ("RSA", None): _RSA,
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
"""The algorithms that fit a type and curve of key. All are asymmetric: what checks a token cannot sign one."""

ALGORITHMS: Final = frozenset(name for names in _ALGORITHMS.values() for name in names)

_PUBLIC: Final = ("kty", "crv", "n", "e", "x", "y")
"""The members that a public key is made of."""

_NAMES: Final = ("kty", "crv", "use", "alg", "kid")
"""The members that have names."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key.

    Attributes:
        key_id: its name in the set, if it has one.
        algorithms: those that it may be used with.
        material: as PyJWT takes it.
    """

    key_id: str | None
    algorithms: frozenset[str]
    material: Any


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of a set that can be used.

    Attributes:
        keys: the keys.
        left_out: how many of the set cannot be used, be it because they are for encryption or too short.
        fingerprint: equal for sets that have the same keys.
    """

    keys: tuple[VerificationKey, ...]
    left_out: int
    fingerprint: bytes

    @classmethod
    def parse(cls, data: bytes) -> "KeySet":
        """Reads the JSON of a set.

        Raises:
            ValueError: it is no set, or has no key that can be used.
        """
        document = json_object(data)
        listed = document.get("keys")
        if not isinstance(listed, list):
            message = 'has no list "keys", as a JSON Web Key Set (RFC 7517) does'
            raise ValueError(message)  # noqa: TRY004  (of what is in the text, and no mistake of the code)
        if len(listed) > MAX_KEYS:
            raise ValueError(f'has {len(listed)} "keys", and {MAX_KEYS} are looked at')
        keys = tuple(_usable(listed))
        if not keys:
            raise ValueError(
                f'has no key among its {len(listed)} "keys" that tokens can be checked with: RSA of {_MIN_RSA_BITS} '
                "bits and more, EC of P-256, P-384 and P-521, and Ed25519 can be used"
            )
        return cls(keys, len(listed) - len(keys), sha256(orjson.dumps(listed, option=orjson.OPT_SORT_KEYS)).digest())

    def find(self, key_id: str | None, algorithm: str) -> list[VerificationKey]:
        """Gives the keys that a token can be signed with which names this key, or none, and this algorithm."""
        return [key for key in self.keys if algorithm in key.algorithms and key_id in {key.key_id, None}]

    def knows(self, key_id: str | None) -> bool:
        """Tells whether there is a key of this name."""
        return any(key.key_id == key_id for key in self.keys)


def json_object(data: bytes) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        ValueError: it is none.
    """
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise ValueError("is no JSON object")  # noqa: TRY004  (of what is in the text, and no mistake of the code)
    return document


def _usable(listed: list[Any]) -> Iterator[VerificationKey]:
    for found in listed:
        if not isinstance(found, dict) or not _names_are_texts(found) or not _is_for_signatures(found):
            continue
        key_id, algorithm = found.get("kid"), found.get("alg")
        fitting = _ALGORITHMS.get((found.get("kty"), found.get("crv")), ())
        algorithms = frozenset(name for name in fitting if algorithm in {None, name})
        material = _material(found, next(iter(algorithms))) if algorithms else None
        if material is not None:
            yield VerificationKey(key_id, algorithms, material)


def _names_are_texts(key: Mapping[str, Any]) -> bool:
    """Tells whether what is compared with names is text, as it has to be."""
    return all(isinstance(key.get(member), str | None) for member in _NAMES)


def _is_for_signatures(key: Mapping[str, Any]) -> bool:
    operations = key.get("key_ops")
    return key.get("use") in {None, "sig"} and (not isinstance(operations, list) or "verify" in operations)


def _material(key: Mapping[str, Any], algorithm: str) -> Any:
    """Makes the key for PyJWT, without what is private in it; none if it is damaged or its length is unfit."""
    try:
        material = jwt.PyJWK({name: key[name] for name in _PUBLIC if name in key}, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if key["kty"] == "RSA" and not _MIN_RSA_BITS <= material.key_size <= _MAX_RSA_BITS:
        return None
    return material
