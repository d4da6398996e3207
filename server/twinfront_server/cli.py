"""The command line: `twinfront serve`, `twinfront healthcheck`, `twinfront version`.

What a command needs is imported when it runs, so that with the base install, which has the client only, it can say what
to install.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

_OWN_PACKAGES: Final = frozenset({"twinfront", "twinfront_server", "localtwins"})

_USAGE_ERROR: Final = 2


class _Parser(argparse.ArgumentParser):
    """A parser that takes no abbreviations and complains in one line."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(_USAGE_ERROR)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code: 0 well, 1 failed, 2 wrongly called."""
    # grpc's own lines on stderr would come beside the one clear line; whoever wants them sets the variable.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = _Parser("twinfront", "A gRPC service in front of Azure Digital Twins.")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=argparse.ArgumentParser
    )
    for name, (_, text) in _COMMANDS.items():
        commands.add_parser(name, help=text, add_help=False)
    command = parser.parse_args(words[:1]).command
    run, text = _COMMANDS[command]
    try:
        return run(_Parser(f"twinfront {command}", text), words[1:])
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in _OWN_PACKAGES:
            raise
        print(f"twinfront {command} needs more than the client: pip install 'twinfront[server]'", file=sys.stderr)
        return 1


def _serve(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    from twinfront_server.errors import StartupError  # noqa: PLC0415
    from twinfront_server.settings import describe, load_settings, unknown_variables  # noqa: PLC0415

    groups = {}
    for setting in describe():
        if setting.group not in groups:
            groups[setting.group] = parser.add_argument_group(setting.group)
        default = f" [{setting.default}]" if setting.default else ""
        text = f"{setting.help}{default} ({setting.variable})".replace("%", "%%")
        group = groups[setting.group]
        # Pydantic checks the values, and knows the defaults.
        options: dict[str, Any] = {"dest": setting.name, "default": argparse.SUPPRESS, "help": text}
        if setting.is_switch:
            group.add_argument(setting.flag, action=argparse.BooleanOptionalAction, **options)
        else:
            takes = "{" + ",".join(setting.choices) + "}" if setting.choices else setting.takes
            group.add_argument(setting.flag, metavar=takes, **options)
    flags = vars(parser.parse_args(words))
    try:
        settings = load_settings(flags)
    except StartupError as error:
        print(f"twinfront serve: {error}", file=sys.stderr)
        return _USAGE_ERROR
    from twinfront_server.serve import serve  # noqa: PLC0415

    return serve(settings, unknown_variables(os.environ))


def _healthcheck(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    from twinfront_server.healthcheck import HealthQuestion, ask_health  # noqa: PLC0415

    parser.add_argument("--address", default=_default_address(), help="Address of the server [%(default)s].")
    parser.add_argument("--service", default="", help="Full name of a service; the server as a whole without it.")
    parser.add_argument("--timeout", type=float, default=5.0, help="Seconds to wait for the answer [%(default)s].")
    parser.add_argument("--tls", action="store_true", help="Speak TLS; the options below do so as well.")
    parser.add_argument("--tls-ca", metavar="FILE", help="Authorities to check the server's certificate against, PEM.")
    parser.add_argument("--tls-cert", metavar="FILE", help="The caller's certificate for mTLS, PEM.")
    parser.add_argument("--tls-key", metavar="FILE", help="Its private key, PEM.")
    parser.add_argument("--tls-server-name", metavar="NAME", help="The name in the server's certificate.")
    serving, text = ask_health(HealthQuestion(**vars(parser.parse_args(words))))
    print(text, file=sys.stdout if serving else sys.stderr)
    return 0 if serving else 1


def _default_address() -> str:
    """The address that a server with the same environment listens on."""
    from twinfront_server.address import Address  # noqa: PLC0415

    try:
        return str(Address.parse(os.environ.get("TWINFRONT_LISTEN", "")).reachable())
    except ValueError:
        return "127.0.0.1:50051"


def _version(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    from twinfront_server import __version__  # noqa: PLC0415

    parser.parse_args(words)
    print(__version__)
    return 0


_COMMANDS: Final[dict[str, tuple[Callable[[argparse.ArgumentParser, Sequence[str]], int], str]]] = {
    "serve": (_serve, "Serve twins over gRPC."),
    "healthcheck": (_healthcheck, "Ask a server for its health; exit 0 if it serves, else 1."),
    "version": (_version, "Print the version."),
}


if __name__ == "__main__":
    sys.exit(main())
