"""The commands for people: what their help says, as Markdown."""

import argparse
from collections.abc import Iterator

from docs.generate.tables import table
from twinfront._cli.connection import add_connection_arguments
from twinfront._cli.exit_codes import MEANINGS
from twinfront_server import cli

_CONNECTION = "connection"


def exit_code_table() -> str:
    """Tells what a command returns to the shell."""
    return table(("exit code", "what happened"), ([str(code), meaning] for code, meaning in MEANINGS.items()))


def connection_table() -> str:
    """The options that all commands have which talk to a server."""
    parser = argparse.ArgumentParser(add_help=False)
    add_connection_arguments(parser)
    [group] = [group for group in parser._action_groups if group.title == _CONNECTION]  # noqa: SLF001
    return _argument_table(group)


def command_sections() -> str:
    """A section for each command, and for each of the commands that it consists of."""
    named = [(name, command.text) for name, command in cli.COMMANDS.items() if command.extra == "cli"]
    return "\n\n".join(_section(parser, text) for name, text in named for parser in _with_parts(cli.parser_of(name)))


def _with_parts(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    parts = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    if parts:
        yield from parts[0].choices.values()
    else:
        yield parser


def _section(parser: argparse.ArgumentParser, text: str) -> str:
    examples = (parser.epilog or "").removeprefix("examples:").replace("\n  ", "\n").strip()
    groups = [group for group in parser._action_groups if group.title != _CONNECTION]  # noqa: SLF001
    arguments = "\n".join(filter(None, map(_rows, groups)))
    head = table(("argument", "what it does"), [])
    shown = f"\n\n{head}\n{arguments}" if arguments else ""
    return f"### {parser.prog}\n\n{parser.description or text}\n\n```sh\n{examples}\n```{shown}"


def _argument_table(group: argparse._ArgumentGroup) -> str:
    return f"{table(('option', 'what it does'), [])}\n{_rows(group)}"


def _rows(group: argparse._ArgumentGroup) -> str:
    lines = []
    for action in group._group_actions:  # noqa: SLF001
        if isinstance(action, argparse._HelpAction):  # noqa: SLF001
            continue
        takes = "{" + ",".join(action.choices) + "}" if action.choices else action.metavar
        words = [*action.option_strings[-1:], *([str(takes)] if action.nargs != 0 and takes else [])]
        text = (action.help or "") % {"default": action.default}
        lines.append([f"`{' '.join(words)}`", text])
    return "\n".join(table(row, []).partition("\n")[0] for row in lines)
