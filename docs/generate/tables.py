"""Tables of Markdown, and those of metrics and settings."""

import ast
import inspect
from collections.abc import Iterable, Sequence
from itertools import pairwise

from localtwins.rest_api import OPERATIONS
from localtwins.settings import Settings as LocalSettings
from twinfront_program.description import Description, by_group
from twinfront_server.metric_table import BUCKETS, METRICS, SERVER_BUCKETS
from twinfront_server.settings import Settings
from twinfront_server.wire import limits

NONE = "none"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def metric_table() -> str:
    """All metrics of the server."""
    rows = (
        [f"`{metric.name}`", metric.type, ", ".join(f"`{label}`" for label in metric.labels) or NONE, metric.help]
        for metric in METRICS
    )
    return table(("metric", "type", "labels", "what it counts"), rows)


def bucket_list() -> str:
    """The bounds of the histograms."""
    return _bounds(BUCKETS)


def server_bucket_list() -> str:
    """The bounds of the histogram of the server's own time."""
    return _bounds(SERVER_BUCKETS)


def setting_tables() -> str:
    """The settings of `twinfront serve`, group by group."""
    return _setting_tables(Settings.describe(), "##")


def localtwins_setting_tables() -> str:
    """The settings of `localtwins serve`, group by group."""
    return _setting_tables(LocalSettings.describe(), "###")


def _setting_tables(settings: Iterable[Description], heading: str) -> str:
    groups = by_group(settings).items()
    return "\n\n".join(f"{heading} {name.capitalize()}\n\n{_setting_table(group)}" for name, group in groups)


def _setting_table(settings: Iterable[Description]) -> str:
    rows = (
        [
            f"`{setting.flag}`",
            f"`{setting.variable}`",
            f"`{setting.default}`" if setting.default else NONE,
            setting.help + (f" One of: {', '.join(setting.choices)}." if setting.choices else ""),
        ]
        for setting in settings
    )
    return table(("flag", "variable", "default", "what it does"), rows)


def limit_table() -> str:
    """Tells how large requests may be, as the constants and what is written below them have it."""
    rows = []
    for constant, note in pairwise(ast.parse(inspect.getsource(limits)).body):
        match constant, note:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                if name.startswith("MAX_"):
                    sentence = text.replace("\n", " ").split(". ")[0].removesuffix(".")
                    rows.append([sentence, f"{getattr(limits, name):,}"])
    return table(("what", "at most"), rows)


def localtwins_operations() -> str:
    """The operations that faults can be restricted to."""
    reads = [name for name, operation in OPERATIONS.items() if not operation.write]
    writes = [name for name, operation in OPERATIONS.items() if operation.write]
    return table(
        ("group", "operations"),
        [
            [f"`{group}`", ", ".join(f"`{name}`" for name in names)]
            for group, names in (("reads", reads), ("writes", writes))
        ],
    )


def _bounds(buckets: Iterable[float]) -> str:
    return ", ".join(f"{bound:g}" for bound in buckets)
