"""The report of a soak, and its verdict."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from .load import Seen
from .watching import Growth

MOST_MEGABYTES_A_MINUTE: Final = 2.0
"""How much memory of the front that stays may grow, once it is warm."""

UNJUDGED_MEGABYTES: Final = 16.0
"""So much more or less is chance, in however short a time."""

MOST_FILES: Final = 30
MOST_THREADS: Final = 8
EXPECTED: Final = {
    "UNAVAILABLE",
    "UPSTREAM_UNAVAILABLE",
    "SERVER_DRAINING",
    "OUTCOME_UNKNOWN",
    "UPSTREAM_THROTTLED",
    "DEADLINE_EXCEEDED",
    "ETAG_MISMATCH",
}
"""Reasons for which calls may fail while servers are killed and the upstream is away, which no client hides wholly."""

_SHARES: Final = 3


@dataclass(frozen=True)
class Report:
    """All that was seen.

    Attributes:
        seconds: how long it took.
        seen: by the callers who follow their writes through all of the time.
        clients: by language, what the callers of its client saw.
        cache: how often the callbacks of a cache that followed all of it were called.
        happened: how often what happened.
        growth: of the front that stays.
        in_flight: calls that it still has after all callers are gone.
    """

    seconds: float
    seen: Seen
    clients: dict[str, Seen]
    cache: dict[str, int]
    happened: dict[str, int]
    growth: Growth
    in_flight: float

    @property
    def _callers(self) -> dict[str, Seen]:
        return {"those who follow their writes": self.seen, **self.clients}

    @property
    def p99(self) -> list[float]:
        """Gives the 99th percentile of reads in milliseconds, in each third of the time."""
        reads, shares = self.seen.reads, []
        for share in range(_SHARES):
            start, end = (self.seconds * (share + edge) / _SHARES for edge in (0, 1))
            taken = sorted(seconds for began, seconds in reads if start <= began < end)
            shares.append(1000 * taken[int(0.99 * (len(taken) - 1))] if taken else 0.0)
        return shares

    @property
    def problems(self) -> list[str]:
        """Tells what must not be; a soak without any has passed."""
        problems = []
        for name, seen in self._callers.items():
            problems += seen.problems
            for reason, times in seen.errors.items():
                if reason not in EXPECTED:
                    problems.append(f"{times} calls of {name} ended in {reason}, such as {seen.examples[reason]}")
            if not seen.calls:
                problems.append(f"no call of {name} succeeded")
        more = self.growth
        if more.megabytes > UNJUDGED_MEGABYTES and more.megabytes_a_minute > MOST_MEGABYTES_A_MINUTE:
            problems.append(f"memory grows by {more.megabytes_a_minute:.1f} MB a minute")
        if more.files > MOST_FILES:
            problems.append(f"{more.files:.0f} more files are open")
        if more.threads > MOST_THREADS:
            problems.append(f"{more.threads:.0f} more threads run")
        if self.in_flight:
            problems.append(f"{self.in_flight:.0f} calls are in flight that nobody waits for")
        return problems

    def as_json(self) -> dict[str, Any]:
        """Gives all of it but the single reads."""
        document = asdict(self)
        document["seen"] |= {"reads": len(self.seen.reads)}
        return document | {"p99_ms": self.p99, "problems": self.problems}

    def table(self) -> str:
        """Writes it for people."""
        grown = self.growth
        rows = [
            ("time", f"{self.seconds:.0f} s"),
            *(row for name, seen in self._callers.items() for row in _calls(name, seen)),
            *((f"cache: {what}", f"{times:,}") for what, times in sorted(self.cache.items())),
            *((what, f"{times} times") for what, times in sorted(self.happened.items())),
            ("99 % of reads within", " → ".join(f"{each:.0f} ms" for each in self.p99)),
            ("memory", f"{grown.megabytes:+.1f} MB, {grown.megabytes_a_minute:+.2f} MB a minute"),
            ("open files, threads", f"{grown.files:+.1f}, {grown.threads:+.1f}"),
            ("in flight at the end", f"{self.in_flight:.0f}"),
        ]
        lines = [f"{name:44} {value}" for name, value in rows]
        return "\n".join([*lines, "", *(self.problems or ["nothing is wrong"])])


def _calls(name: str, seen: Seen) -> Iterator[tuple[str, str]]:
    """Gives the rows of one client's calls."""
    yield f"calls of {name}", f"{seen.calls} answered, {sum(seen.errors.values())} failed"
    for reason, times in sorted(seen.errors.items()):
        yield f"  {reason}", f"{times}"
