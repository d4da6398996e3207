"""Targets that decide who may do what: tokens of callers, the keys that these are signed with, and policies."""

import asyncio
import contextlib
import json
import time
from functools import cache
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client import CollectorRegistry

from twinfront_program.log import get_logger
from twinfront_server.access.bearer import bearer_token
from twinfront_server.access.key_set import KeySet
from twinfront_server.access.keys import Keys
from twinfront_server.access.policy_document import PolicyError, parse_policy
from twinfront_server.access.policy_text import parse_yaml
from twinfront_server.access.tokens import TokenRules, Tokens
from twinfront_server.errors import TwinfrontError
from twinfront_server.metrics import Metrics

from .target import Target

_KEY: Final = ec.derive_private_key(11, ec.SECP256R1())
_ISSUER: Final = "https://issuer.example"
_CLAIMS: Final = {"iss": _ISSUER, "aud": "twins", "sub": "alice", "roles": ["reader"]}


class _SameKeys:
    """Has the same keys each time."""

    async def read(self) -> KeySet:
        return KeySet.parse(_key_set())


@cache
def _key_set() -> bytes:
    public = jwt.get_algorithm_by_name("ES256").to_jwk(_KEY.public_key(), as_dict=True)
    return json.dumps({"keys": [{"kid": "first", "use": "sig", "alg": "ES256", **public}]}).encode()


def _token(data: bytes) -> None:
    """Nobody is known by a token that was not signed with the key."""
    asyncio.run(_check(data.decode("latin-1")))


async def _check(header: str) -> None:
    keys = Keys(_SameKeys(), KeySet.parse(_key_set()), Metrics(CollectorRegistry()), get_logger())
    with contextlib.suppress(TwinfrontError):
        token = bearer_token([header])
        if token is not None:
            principal = await Tokens(TokenRules(_ISSUER, ("twins",)), keys).principal(token)
            assert principal.name == "alice"


def _keys(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert KeySet.parse(data).keys


def _policy(data: bytes) -> None:
    with contextlib.suppress(PolicyError, UnicodeDecodeError):
        parse_policy(parse_yaml(data.decode()))


def _signed(**more: object) -> bytes:
    claims = {**_CLAIMS, "exp": int(time.time()) + 10**6, **more}
    return b"Bearer " + jwt.encode(claims, _KEY, "ES256", {"kid": "first"}).encode()


_POLICY: Final = b"""version: 1
roles:
  planner: {permissions: [read, write]}
bindings:
  - role: reader
    to: {principals: ["jwt:alice", "mtls:CN=b"], groups: [a, b], claims: {dept: [x, 'y']}}
    within: {ids: [a-, "b-"], models: ["dtmi:example:Room;1"]}
  - role: planner
    to:
      groups:
        - c  # a comment
"""

TARGETS: Final = [
    Target("token", _token, [_signed(), _signed(nbf=0, aud=["a", "twins"]), b"Bearer eyJhbGciOiJub25lIn0.e30."]),
    Target("key-set", _keys, [_key_set()]),
    Target("policy", _policy, [_POLICY, b"version: !!int 1\nbindings: []\n", b"a: 2026-01-01\n"]),
]
