"""Reads the options that name the server of a command, and makes the client."""

import os
from argparse import ArgumentParser, Namespace
from typing import Final

import shtab

from twinfront import TlsConfig, TwinfrontClient
from twinfront._cli.numbers import seconds

DEFAULT_ADDRESS: Final = "localhost:50051"


def add_connection_arguments(parser: ArgumentParser) -> None:
    """Adds the options of every command that talks to a server."""
    group = parser.add_argument_group("connection")
    group.add_argument(
        "--address",
        metavar="HOST:PORT",
        default=os.environ.get("TWINFRONT_ADDRESS") or DEFAULT_ADDRESS,
        help=f"The server [{DEFAULT_ADDRESS}] (TWINFRONT_ADDRESS).",
    )
    group.add_argument("--timeout", type=seconds, metavar="SECONDS", help="For each call; the client's own by default.")
    group.add_argument("--insecure", action="store_true", help="Talk in the clear to a server on another machine.")
    group.add_argument(
        "--token",
        metavar="TOKEN",
        default=os.environ.get("TWINFRONT_TOKEN"),
        help="Bearer token; better in the environment, where others do not see it (TWINFRONT_TOKEN).",
    )
    group.add_argument("--tls", action="store_true", help="Speak TLS; the options below do so as well.")
    for flag, text in (
        ("--tls-ca", "Authorities to check the server's certificate against, PEM."),
        ("--tls-cert", "The caller's certificate for mTLS, PEM."),
        ("--tls-key", "Its private key, PEM."),
    ):
        group.add_argument(flag, metavar="FILE", help=text).complete = shtab.FILE  # type: ignore[attr-defined]  # read by shtab
    group.add_argument("--tls-server-name", metavar="NAME", help="The name in the server's certificate.")


def connect(options: Namespace) -> TwinfrontClient:
    """Makes a client for the options, to be used as a context manager.

    Raises:
        ValueError: The options contradict each other, or would send a secret in the clear.
        OSError: A file cannot be read.
    """
    named = (options.tls_ca, options.tls_cert, options.tls_key, options.tls_server_name)
    tls = TlsConfig(*named) if any(named) else options.tls
    return TwinfrontClient(options.address, tls=tls, token=options.token, insecure=options.insecure)
