"""The scripts that Redis runs, each about one write."""

from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any, Final


class RedisError(Exception):
    """Says that Redis refused something, or answers what makes no sense."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script in Lua, about one key.

    Attributes:
        text: the script.
        name: by which Redis knows it.
    """

    text: str
    name: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Names it."""
        object.__setattr__(self, "name", sha1(self.text.encode(), usedforsecurity=False).hexdigest().encode())


_NOW: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

CLAIM: Final = Script(
    _NOW
    + """
local known = redis.call('HMGET', KEYS[1], 'fingerprint', 'since', 'owner', 'lease', 'type', 'data', 'pushback')
if not known[1] then
  redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'since', now, 'owner', ARGV[2], 'lease', now + ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  return {'claimed'}
end
if known[5] then return {'ended', known[1], known[5], known[6], known[7]} end
local age = now - known[2]
if known[1] ~= ARGV[1] or (known[3] ~= ARGV[2] and tonumber(known[4]) > now) then return {'pending', known[1], age} end
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'lease', now + ARGV[3])
return {'left', known[1], age}
"""
)

KEEP: Final = Script("""
if redis.call('HEXISTS', KEYS[1], 'type') == 1 then return 'kept' end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'type', ARGV[2], 'data', ARGV[3], 'pushback', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 'kept'
""")

RELEASE: Final = Script("""
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 'released'
""")

RENEW: Final = Script(
    _NOW
    + """
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('HSET', KEYS[1], 'lease', now + ARGV[2]) end
return 'renewed'
"""
)

SCRIPTS: Final = (CLAIM, KEEP, RELEASE, RENEW)


def require_claim_answer(said: Any) -> None:
    """Checks what `CLAIM` is said to have returned.

    Raises:
        RedisError: it cannot have returned that.
    """
    match said:
        case [b"claimed"] | [b"pending" | b"left", bytes(), int()] | [b"ended", bytes(), _, _, _]:
            return
    raise RedisError("a claim is answered with what is no answer")
