"""The report of a soak, and its verdict."""

from collections import Counter
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
NEVER: Final = ("INTERNAL", "UNKNOWN")
ALLOWED: Final = "UNKNOWN OUTCOME_UNKNOWN"
"""What a caller is told whose write was sent on and not answered."""

_SHARES: Final = 3


@dataclass(frozen=True)
class Report:
    """All that was seen.

    Attributes:
        seconds: how long it took.
        seen: by the callers whose writes can be followed.
        clients: by language, how often the scenarios ran, and how often a run was broken off.
        client_errors: by code and reason, what steps of the scenarios met that they did not expect.
        happened: how often what happened.
        growth: of the front that stays.
        in_flight: calls that it still has after all callers are gone.
        lost: twins that are not as their writers were told.
    """

    seconds: float
    seen: Seen
    clients: dict[str, dict[str, int]]
    client_errors: dict[str, int]
    happened: dict[str, int]
    growth: Growth
    in_flight: float
    lost: list[str]

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
        problems = [*self.lost, *self.seen.problems]
        for ended, times in (Counter(self.seen.errors) + Counter(self.client_errors)).items():
            if ended.startswith(NEVER) and ended != ALLOWED:
                problems.append(f"{times} calls ended in {ended}")
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
            ("calls answered", f"{self.seen.calls}"),
            *((f"  ended in {ended}", f"{times}") for ended, times in sorted(self.seen.errors.items())),
            *(
                (f"scenarios of {name}", f"{counts['runs']} runs, {counts['broken']} broken off")
                for name, counts in self.clients.items()
            ),
            *((f"  a step met {ended}", f"{times}") for ended, times in sorted(self.client_errors.items())),
            *((what, f"{times} times") for what, times in sorted(self.happened.items())),
            ("99 % of reads within", " → ".join(f"{each:.0f} ms" for each in self.p99)),
            ("memory", f"{grown.megabytes:+.1f} MB, {grown.megabytes_a_minute:+.2f} MB a minute"),
            ("open files, threads", f"{grown.files:+.1f}, {grown.threads:+.1f}"),
            ("in flight at the end", f"{self.in_flight:.0f}"),
        ]
        lines = [f"{name:44} {value}" for name, value in rows]
        return "\n".join([*lines, "", *(self.problems or ["nothing is wrong"])])
