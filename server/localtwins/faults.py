"""Faults on demand, for those who test how their own services take them.

Each fault is written `KIND[=VALUE][:on=OPERATIONS][:rate=PROBABILITY][:count=TIMES]`, several with commas between:

- `latency=50ms` or `latency=20ms-2s`: wait before the request is carried out, evenly spread over a range.
- `error` or `error=500`: refuse with 503 or 500; nothing is changed.
- `throttle` or `throttle=5`: refuse with 429 and Retry-After 1 or 5; nothing is changed.
- `lost`: carry the request out and do not answer; over HTTP the connection is reset.
- `lost=503` or `lost=500`: carry the request out and answer with that error.

`on` restricts a fault to operations, with + between them: names such as `patch_digital_twin`, or `reads` and `writes`.
`rate` is the probability of each request to be hit, 1 by default, and `count` how many are hit before the fault ends.
Faults are drawn in their order, so the same seed and the same requests meet the same faults.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal, cast

from localtwins import errors
from localtwins.rest_api import OPERATIONS, Operation
from twinfront_program.durations import parse_duration

Kind = Literal["latency", "error", "throttle", "lost"]

_FORM: Final = "KIND[=VALUE][:on=OPERATIONS][:rate=PROBABILITY][:count=TIMES]"
_STATUSES: Final = {"500": 500, "503": 503}
_GROUPS: Final = {
    "reads": frozenset(name for name, operation in OPERATIONS.items() if not operation.write),
    "writes": frozenset(name for name, operation in OPERATIONS.items() if operation.write),
}
_MAX_RETRY_AFTER: Final = 3600


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to inject.

    Attributes:
        seconds: the range of a latency.
        status: of an error or of a lost answer, None for no answer at all.
        retry_after: of a throttle, in seconds.
        operations: their names, None for all.
    """

    kind: Kind
    seconds: tuple[float, float] = (0.0, 0.0)
    status: int | None = None
    retry_after: int = 1
    operations: frozenset[str] | None = None
    rate: float = 1.0
    count: int | None = None


def parse_faults(text: str) -> list[Fault]:
    """Reads faults with commas between them.

    Raises:
        ValueError: tells what is wrong with which.
    """
    return [_parse(part.strip()) for part in text.split(",") if part.strip()]


def _parse(text: str) -> Fault:
    head, *options = text.split(":")
    kind, equals, value = head.partition("=")
    if kind not in {"latency", "error", "throttle", "lost"}:
        raise ValueError(f"{text!r}: {kind!r} is not latency, error, throttle or lost; a fault is {_FORM}")
    if equals and not value:
        raise ValueError(f"{text!r}: there is no value after =")
    given: dict[str, str] = {}
    for option in options:
        name, _, setting = option.partition("=")
        if name not in {"on", "rate", "count"} or name in given:
            raise ValueError(f"{text!r}: {option!r} is not one of on=, rate= and count=, each at most once")
        given[name] = setting
    seconds, status, retry_after = _value(text, kind, value)
    return Fault(
        cast("Kind", kind),
        seconds,
        status,
        retry_after,
        _operations(text, given["on"]) if "on" in given else None,
        _rate(text, given.get("rate", "1")),
        _whole(text, "count", given["count"]) if "count" in given else None,
    )


def _value(text: str, kind: str, value: str) -> tuple[tuple[float, float], int | None, int]:
    match kind:
        case "latency":
            first, dash, last = value.partition("-")
            shortest, longest = _duration(text, first), _duration(text, last if dash else first)
            if shortest > longest:
                raise ValueError(f"{text!r}: the range of the latency ends before it begins")
            return (shortest, longest), None, 1
        case "throttle":
            retry_after = _whole(text, "the Retry-After", value or "1")
            if retry_after > _MAX_RETRY_AFTER:
                raise ValueError(f"{text!r}: the Retry-After is longer than {_MAX_RETRY_AFTER} seconds")
            return (0.0, 0.0), None, retry_after
        case _:
            if value and value not in _STATUSES:
                raise ValueError(f"{text!r}: the status must be 500 or 503, and not {value!r}")
            return (0.0, 0.0), _STATUSES.get(value, 503 if kind == "error" else None), 1


def _duration(text: str, value: str) -> float:
    try:
        if value.endswith("s"):
            return parse_duration(value)
    except ValueError:
        pass
    raise ValueError(f"{text!r}: a latency is written 50ms, 1.5s or 20ms-2s, and not {value!r}")


def _operations(text: str, value: str) -> frozenset[str]:
    names: set[str] = set()
    for name in value.split("+"):
        if name not in _GROUPS and name not in OPERATIONS:
            known = ", ".join(["reads", "writes", *sorted(OPERATIONS)])
            raise ValueError(f"{text!r}: {name!r} is not an operation; there are {known}")
        names |= _GROUPS.get(name, {name})
    return frozenset(names)


def _rate(text: str, value: str) -> float:
    try:
        rate = float(value)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise ValueError(f"{text!r}: the rate must be a number from 0 to 1, and not {value!r}")
    return rate


def _whole(text: str, what: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10 and int(value)):  # noqa: PLR2004  (digits)
        raise ValueError(f"{text!r}: {what} must be a whole number from 1 on, and not {value!r}")
    return int(value)


class _Draws:
    """Draws the requests that a fault hits.

    Each fault has random numbers of its own, so none changes another's.
    """

    def __init__(self, fault: Fault, seed: str | None) -> None:
        self.fault = fault
        self._random = random.Random(seed)  # noqa: S311  (chance, no secret)
        self._left = fault.count

    def hits(self, operation: Operation) -> bool:
        fault = self.fault
        if self._left == 0 or (fault.operations is not None and operation.name not in fault.operations):
            return False
        if self._random.random() >= fault.rate:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def latency(self) -> float:
        return self._random.uniform(*self.fault.seconds)


class Faults:
    """Injects faults into operations.

    Args:
        faults: drawn in this order.
        seed: gives the same chances each time.
    """

    def __init__(self, faults: Sequence[Fault], seed: int | None = None) -> None:
        self._draws = [
            _Draws(fault, None if seed is None else f"{seed}/{number}") for number, fault in enumerate(faults)
        ]

    @asynccontextmanager
    async def around(self, operation: Operation) -> AsyncIterator[None]:
        """Injects into an operation, which the block carries out.

        Raises:
            AdtError: an `error`, or a `lost` answer in place of which an error is given.
            ThrottledError: a `throttle`.
            AnswerLostError: a `lost` answer.
        """
        hit = [draws for draws in self._draws if draws.hits(operation)]
        for draws in hit:
            fault = draws.fault
            if fault.kind == "latency":
                await asyncio.sleep(draws.latency())
            elif fault.kind == "error":
                raise errors.injected(fault.status or 503)
            elif fault.kind == "throttle":
                raise errors.ThrottledError(fault.retry_after)
        lost = next((draws.fault for draws in hit if draws.fault.kind == "lost"), None)
        if lost is None:
            yield
            return
        loss = errors.AnswerLostError() if lost.status is None else errors.injected(lost.status)
        try:
            yield
        except Exception as error:
            raise loss from error
        raise loss
