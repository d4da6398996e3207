"""A finding: how one check of the doctor ended."""

from dataclasses import asdict, dataclass
from typing import Final, Literal

import orjson

State = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Says how one thing is.

    Attributes:
        check: what was looked at.
        state: whether it is well; a warning is no failure.
        text: what was found, in words.
        advice: what to do about it; empty if nothing is to be done.
    """

    check: str
    state: State
    text: str
    advice: str = ""


_MARKS: Final[dict[State, str]] = {"ok": "ok     ", "warning": "WARNING", "failed": "FAILED ", "skipped": "-      "}


def is_healthy(findings: list[Finding]) -> bool:
    """Tells whether nothing failed."""
    return all(finding.state != "failed" for finding in findings)


def as_text(findings: list[Finding]) -> str:
    """Gives findings for people: a line each, and one below it with what to do."""
    width = max(len(finding.check) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{_MARKS[finding.state]}  {finding.check:{width}}  {finding.text}")
        if finding.advice:
            lines.append(f"{'':9}{'':{width}}  → {finding.advice}")
    return "\n".join(lines)


def as_json(findings: list[Finding]) -> str:
    """Gives findings for programs."""
    told = {"healthy": is_healthy(findings), "findings": [asdict(finding) for finding in findings]}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()
