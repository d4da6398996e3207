"""The report of a run, and its verdict."""

from dataclasses import asdict, dataclass
from typing import Any, Final

_SHOWN: Final = 20


@dataclass(frozen=True)
class Report:
    """All that was seen.

    Attributes:
        seconds: how long it took.
        changes: how many there are in the log.
        trimmed: how many of them the service has forgotten by the end.
        writes: how many of each kind were acknowledged.
        refused: how many others ended for which reason.
        happened: how often what happened to the fronts.
        watchers: how many there were.
        told: how many changes they were told, those of which they have forgotten included.
        gaps: how often one of them was told that changes are lost.
        ends: how often their streams ended for which reason.
        caches: how often the callbacks of all caches were called.
        problems: what must not be; a run without any has passed.
    """

    seconds: float
    changes: int
    trimmed: int
    writes: dict[str, int]
    refused: dict[str, int]
    happened: dict[str, int]
    watchers: int
    told: int
    gaps: int
    ends: dict[str, int]
    caches: dict[str, int]
    problems: list[str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def table(self) -> str:
        """Writes it for people."""
        rows = [
            ("time", f"{self.seconds:.0f} s"),
            ("changes", f"{self.changes:,}, of which {self.trimmed:,} were trimmed"),
            *((f"  {what}", f"{times:,}") for what, times in sorted(self.writes.items())),
            *((f"  refused: {what}", f"{times:,}") for what, times in sorted(self.refused.items())),
            *((what, f"{times} times") for what, times in sorted(self.happened.items())),
            ("watchers", f"{self.watchers}, who were told {self.told:,} changes and {self.gaps} gaps"),
            *((f"  streams ended: {what}", f"{times:,}") for what, times in sorted(self.ends.items())),
            *((f"  caches: {what}", f"{times:,}") for what, times in sorted(self.caches.items())),
        ]
        lines = [f"{name:44} {value}" for name, value in rows]
        more = [f"and {len(self.problems) - _SHOWN} more"] if len(self.problems) > _SHOWN else []
        return "\n".join([*lines, "", *(self.problems[:_SHOWN] or ["nothing is wrong"]), *more])
