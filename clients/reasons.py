"""Writes the tables of the clients that say what a reason stands for, and which calls are sent again: `make proto`.

Every client has one, between two comments that begin and end it, in the words of its language and as its formatter
wants it. A reason without a kind of its own is of the kind of its gRPC code, and needs no row.
"""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from twinfront_server.reasons import Reason

CLIENTS: Final = Path(__file__).resolve().parent

KINDS: Final = {
    Reason.TWIN_NOT_FOUND: "TwinNotFound",
    Reason.RELATIONSHIP_NOT_FOUND: "RelationshipNotFound",
    Reason.COMPONENT_NOT_FOUND: "ComponentNotFound",
    Reason.MODEL_NOT_FOUND: "ModelNotFound",
    Reason.EVENT_ROUTE_NOT_FOUND: "EventRouteNotFound",
    Reason.JOB_NOT_FOUND: "JobNotFound",
    Reason.ETAG_MISMATCH: "EtagMismatch",
    Reason.TWIN_HAS_RELATIONSHIPS: "TwinHasRelationships",
    Reason.TARGET_TWIN_NOT_FOUND: "TargetTwinNotFound",
    Reason.MODEL_HAS_DEPENDENTS: "ModelHasDependents",
    Reason.MODEL_DECOMMISSIONED: "ModelDecommissioned",
    Reason.VALIDATION_FAILED: "ValidationFailed",
    Reason.JSON_PATCH_INVALID: "JsonPatchInvalid",
    Reason.DTDL_INVALID: "DtdlInvalid",
    Reason.QUERY_INVALID: "QueryInvalid",
    Reason.PAGE_TOKEN_INVALID: "PageTokenInvalid",
    Reason.RESUME_TOKEN_INVALID: "ResumeTokenInvalid",
    Reason.CHANGES_EXPIRED: "ChangesExpired",
    Reason.UPSTREAM_THROTTLED: "Throttled",
    Reason.LIMIT_REACHED: "LimitReached",
    Reason.OUTCOME_UNKNOWN: "OutcomeUnknown",
    Reason.CHANGES_UNSUPPORTED: "ChangesUnsupported",
    Reason.VALIDATE_ONLY_UNSUPPORTED: "ValidateOnlyUnsupported",
}
"""The reasons that have a kind of their own, with its name in all languages; in each it is declared by hand."""

SENT_AGAIN: Final = {Reason.SERVER_DRAINING: None, Reason.UPSTREAM_UNAVAILABLE: 5, Reason.AUTHORIZER_UNAVAILABLE: 5}
"""The reasons that say that nothing was done and another attempt may succeed, each with the most attempts at a call.

None is for as many as there is time for: a server that drains takes no harm from being asked, and is soon gone.
"""

_TABLE: Final = re.compile(
    r"^(?P<begin>[ \t]*(?:#|//) begin reasons\b[^\n]*\n).*?(?=^[ \t]*(?:#|//) end reasons$)", re.MULTILINE | re.DOTALL
)
_MOST_COLUMNS: Final = 120


def python() -> str:
    """Makes the entries of a dict."""
    return _lines(
        f'    (grpc.StatusCode.{reason.code.name}, "{reason}"): {kind}Error,' for reason, kind in KINDS.items()
    )


def python_sent_again() -> str:
    """Makes the entries of the dict of attempts."""
    return _lines(f'    "{reason}": {attempts},' for reason, attempts in SENT_AGAIN.items())


def go() -> str:
    """Makes the entries of a map, whose values gofmt aligns."""
    keys = {
        reason: f"{{codes.{_camel(reason.code.name)}, twinfrontv1.ErrorReason_ERROR_REASON_{reason}}}:"
        for reason in KINDS
    }
    width = max(map(len, keys.values()))
    return _lines(f"\t{keys[reason]:{width}} {_go_kind(kind)}," for reason, kind in KINDS.items())


def go_sent_again() -> str:
    """Makes the entries of the map of attempts, whose values gofmt aligns."""
    keys = {reason: f'"{reason}":' for reason in SENT_AGAIN}
    width = max(map(len, keys.values()))
    return _lines(f"\t{keys[reason]:{width}} {attempts or 'unbounded'}," for reason, attempts in SENT_AGAIN.items())


def _go_kind(kind: str) -> str:
    """Spells initialisms as Go does."""
    return kind.replace("Json", "JSON").replace("Dtdl", "DTDL")


def typescript() -> str:
    """Makes the properties of an object."""
    return _lines(f'  {reason}: [Code.{_camel(reason.code.name)}, "{kind}"],' for reason, kind in KINDS.items())


def typescript_sent_again() -> str:
    """Makes the properties of the object of attempts."""
    return _lines(f"  {reason}: {attempts or 'Number.POSITIVE_INFINITY'}," for reason, attempts in SENT_AGAIN.items())


def java() -> str:
    """Makes the map; an entry that is too long for a line is broken at every comma."""
    rows = []
    for reason, kind in KINDS.items():
        arguments = [f'new CodedReason(Status.Code.{reason.code.name}, "{reason}")', f"{kind}Exception::new"]
        row = f"{' ' * 12}entry({', '.join(arguments)}),"
        if len(row) > _MOST_COLUMNS:
            row = f"{' ' * 12}entry(\n{' ' * 20}{arguments[0]},\n{' ' * 20}{arguments[1]}),"
        rows.append(row)
    opening = """\
    /** The others are of the class of their code. */
    static final Map<CodedReason, Function<ErrorFacts, TwinfrontException>> BY_REASON = Map.ofEntries(
"""
    return opening + _lines(rows).removesuffix(",\n") + ");\n"


def java_sent_again() -> str:
    """Makes the cases of a switch."""
    return _lines(
        f'            case "{reason}" -> {attempts or "AS_MANY_AS_THERE_IS_TIME_FOR"};'
        for reason, attempts in SENT_AGAIN.items()
    )


def rust() -> str:
    """Makes the arms of a match."""
    return _lines(
        f"            (Code::{_camel(reason.code.name)}, ErrorReason::{_camel(reason)}) => Self::{kind},"
        for reason, kind in KINDS.items()
    )


def rust_sent_again() -> str:
    """Makes the elements of a slice."""
    return _lines(f'    ("{reason}", {attempts or "UNBOUNDED"}),' for reason, attempts in SENT_AGAIN.items())


def _lines(rows: Iterable[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


TABLES: Final[dict[str, Callable[[], str]]] = {
    "go/attempts.go": go_sent_again,
    "go/kinds.go": go,
    "java/client/src/main/java/io/twinfront/client/Attempts.java": java_sent_again,
    "java/client/src/main/java/io/twinfront/client/errors/ErrorFacts.java": java,
    "python/twinfront/_attempts.py": python_sent_again,
    "python/twinfront/errors.py": python,
    "rust/src/connection/retries.rs": rust_sent_again,
    "rust/src/kind.rs": rust,
    "typescript/src/attempts.ts": typescript_sent_again,
    "typescript/src/errors.ts": typescript,
}
"""The files with a table, and what makes it."""


def filled_in(file: Path, table: Callable[[], str]) -> str:
    """Gives the text of a file with its table as it has to be.

    Raises:
        SystemExit: it has no place for the table, or several.
    """
    text, places = _TABLE.subn(lambda found: found["begin"] + table(), file.read_text())
    if places != 1:
        message = f"{file} needs one place between the comments `begin reasons` and `end reasons`"
        raise SystemExit(message)
    return text


def main() -> int:
    """Writes the tables, or only looks whether they are as they would be written."""
    made = {CLIENTS / name: filled_in(CLIENTS / name, table) for name, table in TABLES.items()}
    stale = [file for file, text in made.items() if file.read_text() != text]
    if "--check" in sys.argv[1:]:
        for file in stale:
            print(f"{file.relative_to(CLIENTS.parent)} is stale: run make proto", file=sys.stderr)
        return 1 if stale else 0
    for file in stale:
        file.write_text(made[file])
    return 0


if __name__ == "__main__":
    sys.exit(main())
