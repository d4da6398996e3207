"""The files, and which part of them is made from what."""

import re
from collections.abc import Callable
from pathlib import Path

from docs.generate import api, chart, clients, commands, errors, performance, permissions, tables
from docs.generate.protos import ROOT

_PART = re.compile(r"(<!-- begin (?P<name>[\w-]+) -->\n).*?(<!-- end (?P=name) -->)", re.DOTALL)

PARTS: dict[str, Callable[[], str]] = {
    "api": api.api_sections,
    "buckets": tables.bucket_list,
    "commands": commands.command_sections,
    "connection-options": commands.connection_table,
    "error-sections": errors.error_sections,
    "error-table": errors.error_table,
    "exit-codes": commands.exit_code_table,
    "limits": tables.limit_table,
    "localtwins-operations": tables.localtwins_operations,
    "localtwins-settings": tables.localtwins_setting_tables,
    "metrics": tables.metric_table,
    "performance-machine": performance.machine_table,
    "performance-targets": performance.target_table,
    **{f"performance-{name}": performance.sections(name) for name in performance.BENCHMARKS},
    "permissions": permissions.permission_table,
    "server-buckets": tables.server_bucket_list,
    "settings": tables.setting_tables,
    **{f"ten-lines-{client}": clients.ten_lines(client) for client in clients.TEN_LINES},
}


def files() -> dict[Path, Callable[[str], str]]:
    """Gives the files that have such parts, and what makes a file's text from the one it has."""
    candidates = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    made: dict[Path, Callable[[str], str]] = {
        chart.VALUES_SCHEMA: chart.values_schema,
        permissions.POLICY_SCHEMA: permissions.policy_schema,
        **performance.charts(),
    }
    return made | {path: filled_in for path in candidates if _PART.search(path.read_text())}


def filled_in(text: str) -> str:
    """A page with all its parts as the code has them; KeyError for a part that nobody makes."""
    return _PART.sub(lambda part: f"{part[1]}{PARTS[part['name']]()}\n{part[3]}", text)
