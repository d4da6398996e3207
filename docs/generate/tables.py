"""Tables of Markdown, and those of metrics and settings."""

import ast
import inspect
from collections.abc import Iterable, Sequence
from itertools import pairwise

import localtwins
from localtwins.rest.operation import BY_NAME
from twinfront_server.metrics import BUCKETS, METRICS
from twinfront_server.settings import describe
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
    return ", ".join(f"{bound:g}" for bound in BUCKETS)


def setting_tables() -> str:
    """The settings of `twinfront serve`, group by group."""
    groups = dict.fromkeys(setting.group for setting in describe())
    return "\n\n".join(f"## {group.capitalize()}\n\n{_setting_table(group)}" for group in groups)


def _setting_table(group: str) -> str:
    rows = (
        [
            f"`{setting.flag}`",
            f"`{setting.variable}`",
            f"`{setting.default}`" if setting.default else NONE,
            setting.help + (f" One of: {', '.join(setting.choices)}." if setting.choices else ""),
        ]
        for setting in describe()
        if setting.group == group
    )
    return table(("flag", "variable", "default", "what it does"), rows)


def limit_table() -> str:
    """How large requests may be, as the constants and what is written below them have it."""
    rows = []
    for constant, note in pairwise(ast.parse(inspect.getsource(limits)).body):
        match constant, note:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                if name.startswith("MAX_"):
                    sentence = text.replace("\n", " ").split(". ")[0].removesuffix(".")
                    rows.append([sentence, f"{getattr(limits, name):,}"])
    return table(("what", "at most"), rows)


def localtwins_setting_table() -> str:
    """The settings of `localtwins serve`."""
    prefix = localtwins.Settings.model_config["env_prefix"]
    rows = (
        [
            f"`--{name.replace('_', '-')}`",
            f"`{prefix}{name.upper()}`",
            NONE if field.default is None else "off" if field.default is False else f"`{field.default}`",
            _sentence(field.description or ""),
        ]
        for name, field in localtwins.Settings.model_fields.items()
    )
    return table(("flag", "variable", "default", "what it does"), rows)


def localtwins_operations() -> str:
    """The operations that faults can be restricted to."""
    reads = [name for name, operation in BY_NAME.items() if not operation.write]
    writes = [name for name, operation in BY_NAME.items() if operation.write]
    return table(
        ("group", "operations"),
        [
            [f"`{group}`", ", ".join(f"`{name}`" for name in names)]
            for group, names in (("reads", reads), ("writes", writes))
        ],
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
