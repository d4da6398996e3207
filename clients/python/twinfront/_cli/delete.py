"""`twinfront delete`."""

from argparse import ArgumentParser, Namespace
from typing import Final

from twinfront._cli.connection import add_connection_arguments, connect
from twinfront._cli.exit_codes import exit_code_of_all
from twinfront._cli.numbers import counted
from twinfront._cli.output import shown
from twinfront._cli.reporting import report
from twinfront.errors import TwinfrontError

EXAMPLES: Final = (
    "twinfront delete room-001 --detach --dry-run",
    "twinfront delete motion-01 --detach",
    "twinfront delete room-001 room-002 --detach",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("twins", metavar="TWIN", nargs="+", help="A twin's id.")
    parser.add_argument("--detach", action="store_true", help="Delete the twins' relationships first, both ways.")
    parser.add_argument("--if-match", metavar="ETAG", help="Only if this is the twin's etag.")
    parser.add_argument("--dry-run", action="store_true", help="Only say how it would end (localtwins only).")
    add_connection_arguments(parser)


def run(options: Namespace) -> int:
    """Deletes one twin after the other; one that cannot be deleted does not keep the others."""
    failures = []
    with connect(options) as client:
        for twin in options.twins:
            try:
                deleted = client.delete_digital_twin(
                    twin,
                    if_match=options.if_match,
                    relationships="detach" if options.detach else "fail",
                    validate_only=options.dry_run,
                    timeout=options.timeout,
                )
            except TwinfrontError as error:
                failures.append(error)
                report(error, f"twinfront delete: {twin}")
                continue
            gone = deleted.outgoing_relationships + deleted.incoming_relationships
            done = "would be deleted" if options.dry_run else "deleted"
            print(f"{shown(twin)} {done}" + (f" with {counted(gone, 'relationship')}" if gone else ""))
    return exit_code_of_all(failures)
