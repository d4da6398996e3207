"""The command line `twinfront`: the server's commands, and those for people, which are the client's.

What a command needs is imported when it runs, so that with the base install, which has the client only, it can say what
to install.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn

from twinfront_program.arguments import USAGE_ERROR, Parser, add_settings
from twinfront_program.light_start import begin_start
from twinfront_program.startup_error import StartupError

_OWN_PACKAGES: Final = frozenset({"twinfront", "twinfront_server", "localtwins", "twinfront_program"})


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Attributes:
        text: what it does, for the help.
        examples: gives lines that work, for the help.
        add_arguments: adds its arguments to a parser.
        run: carries it out and returns the exit code.
        extra: the extra that has what it needs.
    """

    text: str
    examples: Callable[[], Sequence[str]]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    extra: Literal["server", "cli"] = "server"


class _ShowVersion(argparse.Action):
    """Prints the version and ends; argparse's own action wants to know it before anybody asks."""

    def __call__(self, _parser: argparse.ArgumentParser, options: argparse.Namespace, *_given: Any) -> NoReturn:
        """Prints it and ends."""
        raise SystemExit(_version(options))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code: 0 well, 1 failed, 2 wrongly called, further ones in docs/cli.md."""
    # grpc's own lines on stderr would come beside the one clear line; whoever wants them sets the variable.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = Parser(prog="twinfront", description=_DESCRIPTION)
    parser.add_argument("--version", action=_ShowVersion, nargs=0, default=argparse.SUPPRESS, help="Print the version.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.text, add_help=False)
    name = parser.parse_args(words[:1]).command
    command = COMMANDS[name]
    try:
        options = parser_of(name).parse_args(words[1:])
        return command.run(options)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in _OWN_PACKAGES:
            raise
        print(f"twinfront {name} needs more than the client: pip install 'twinfront[{command.extra}]'", file=sys.stderr)
        return 1


def parser_of(name: str) -> argparse.ArgumentParser:
    """Gives the parser of a command; ModuleNotFoundError if its extra is not installed."""
    command = COMMANDS[name]
    parser = Parser(
        prog=f"twinfront {name}",
        description=command.text,
        epilog="\n  ".join(("examples:", *command.examples())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(parser)
    return parser


def _add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    from twinfront_server.settings import Settings  # noqa: PLC0415  (only this command needs it)

    add_settings(parser, Settings.describe())


def _serve(options: argparse.Namespace) -> int:
    begin_start()
    from twinfront_server.settings import Settings  # noqa: PLC0415  (only this command needs it)

    try:
        settings = Settings.load(vars(options))
    except StartupError as error:
        print(f"twinfront serve: {error}", file=sys.stderr)
        return USAGE_ERROR
    from twinfront_server.serve import serve  # noqa: PLC0415  (only this command needs it)

    return serve(settings, [*Settings.unknown_variables(), *settings.warnings()])


def _add_config_arguments(parser: argparse.ArgumentParser) -> None:
    from twinfront_program.effective import add_output_argument  # noqa: PLC0415  (only this command needs it)

    add_output_argument(parser)
    _add_serve_arguments(parser)


def _config(options: argparse.Namespace) -> int:
    from twinfront_program.effective import effective_settings  # noqa: PLC0415  (only this command needs it)
    from twinfront_server.settings import Settings  # noqa: PLC0415  (only this command needs it)

    for line in Settings.unknown_variables():
        print(f"twinfront config: {line}", file=sys.stderr)
    try:
        print(effective_settings(Settings, vars(options)))
    except StartupError as error:
        print(f"twinfront config: {error}", file=sys.stderr)
        return USAGE_ERROR
    return 0


def _add_doctor_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", choices=("text", "json"), default="text", help="Form of the output [text].")
    _add_serve_arguments(parser)


def _doctor(options: argparse.Namespace) -> int:
    from twinfront_server.settings import Settings  # noqa: PLC0415  (only this command needs it)

    try:
        settings = Settings.load({name: value for name, value in vars(options).items() if name != "output"})
    except StartupError as error:
        print(f"twinfront doctor: {error}", file=sys.stderr)
        return USAGE_ERROR
    from twinfront_server.doctor.examination import doctor  # noqa: PLC0415  (only this command needs it)

    return doctor(settings, options.output)


def _add_healthcheck_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--address", default=_default_address(), help="Address of the server [%(default)s].")
    parser.add_argument("--service", default="", help="Full name of a service; the server as a whole without it.")
    parser.add_argument("--timeout", type=float, default=5.0, help="Seconds to wait for the answer [%(default)s].")
    parser.add_argument("--tls", action="store_true", help="Speak TLS; the options below do so as well.")
    parser.add_argument("--tls-ca", metavar="FILE", help="Authorities to check the server's certificate against, PEM.")
    parser.add_argument("--tls-cert", metavar="FILE", help="The caller's certificate for mTLS, PEM.")
    parser.add_argument("--tls-key", metavar="FILE", help="Its private key, PEM.")
    parser.add_argument("--tls-server-name", metavar="NAME", help="The name in the server's certificate.")


def _healthcheck(options: argparse.Namespace) -> int:
    from twinfront_server.healthcheck import HealthQuestion, ask_health  # noqa: PLC0415  (only this command needs it)

    serving, text = ask_health(HealthQuestion(**vars(options)))
    print(text, file=sys.stdout if serving else sys.stderr)
    return 0 if serving else 1


def _default_address() -> str:
    """Gives the address that a server with the same environment listens on."""
    from twinfront_program.address import parse_place  # noqa: PLC0415  (only this command needs it)

    try:
        return str(parse_place(os.environ.get("TWINFRONT_LISTEN", "")).reachable())
    except ValueError:
        return "127.0.0.1:50051"


def _version(_options: argparse.Namespace) -> int:
    from twinfront_server import __version__  # noqa: PLC0415  (only this command needs it)

    print(__version__)
    return 0


def _add_completion_arguments(parser: argparse.ArgumentParser) -> None:
    import shtab  # noqa: PLC0415  (comes with the cli extra)

    parser.add_argument("shell", choices=shtab.SUPPORTED_SHELLS, help="The shell to complete in.")


def _completion(options: argparse.Namespace) -> int:
    import shtab  # noqa: PLC0415  (comes with the cli extra)

    parser = argparse.ArgumentParser(prog="twinfront", description=_DESCRIPTION)
    commands = parser.add_subparsers()
    for name, command in COMMANDS.items():
        try:
            command.add_arguments(commands.add_parser(name, help=command.text, description=command.text))
        except ModuleNotFoundError:
            continue  # what is not installed is completed by its name alone
    print(shtab.complete(parser, options.shell))
    return 0


def _peoples_command(name: str, text: str) -> Command:
    """Makes a command of the client's, whose module is imported when it is first needed."""

    def module() -> Any:
        return importlib.import_module(f"twinfront._cli.{name}")

    def run(options: argparse.Namespace) -> int:
        from twinfront._cli.reporting import reported  # noqa: PLC0415  (only this command needs it)

        return reported(module().run, options, f"twinfront {name}")

    return Command(text, lambda: module().EXAMPLES, lambda parser: module().add_arguments(parser), run, extra="cli")


_DESCRIPTION: Final = "A gRPC service in front of Azure Digital Twins, and commands for the twins that it serves."

COMMANDS: Final[Mapping[str, Command]] = {
    "serve": Command(
        "Serve twins over gRPC.",
        lambda: (
            "twinfront serve --sample",
            "twinfront serve --upstream https://example.api.weu.digitaltwins.azure.net",
        ),
        _add_serve_arguments,
        _serve,
    ),
    "config": Command(
        "Show the settings that `serve` would have with the same flags and variables, and what each comes from.",
        lambda: ("twinfront config", "twinfront config --upstream local --output json"),
        _add_config_arguments,
        _config,
    ),
    "doctor": Command(
        "Tell what would keep `serve` with the same flags and variables from serving; exit 0 if nothing would, else 1.",
        lambda: ("twinfront doctor", "twinfront doctor --upstream https://NAME.api.weu.digitaltwins.azure.net"),
        _add_doctor_arguments,
        _doctor,
    ),
    "healthcheck": Command(
        "Ask a server for its health; exit 0 if it serves, else 1.",
        lambda: ("twinfront healthcheck", "twinfront healthcheck --service twinfront.v1.QueryService"),
        _add_healthcheck_arguments,
        _healthcheck,
    ),
    "version": Command("Print the version.", lambda: ("twinfront version",), lambda _parser: None, _version),
    "get": _peoples_command("get", "Show a digital twin, a component, or a twin's relationships."),
    "query": _peoples_command("query", "Run a query and print its rows."),
    "watch": _peoples_command("watch", "Print what changes in the graph as it happens, until it is interrupted."),
    "apply": _peoples_command("apply", "Create or replace models, digital twins and relationships from files."),
    "export": _peoples_command("export", "Write the graph in the import format of Azure Digital Twins (NDJSON)."),
    "delete": _peoples_command("delete", "Delete digital twins."),
    "models": _peoples_command("models", "List, create or draw models."),
    "graph": _peoples_command("graph", "Draw the neighbourhood of a digital twin."),
    "completion": Command(
        "Print what makes a shell complete the commands.",
        lambda: ('eval "$(twinfront completion bash)"', "twinfront completion zsh > ~/.zfunc/_twinfront"),
        _add_completion_arguments,
        _completion,
        extra="cli",
    ),
}


if __name__ == "__main__":
    sys.exit(main())
