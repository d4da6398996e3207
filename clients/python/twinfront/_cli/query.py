"""`twinfront query`."""

import sys
from argparse import ArgumentParser, Namespace
from itertools import islice
from typing import Final

from twinfront._cli.connection import add_connection_arguments, connect
from twinfront._cli.numbers import count
from twinfront._cli.output import add_output_argument, print_rows

EXAMPLES: Final = (
    'twinfront query "SELECT * FROM digitaltwins T WHERE T.temperature > 20"',
    "twinfront query 'SELECT T.$dtId, T.temperature FROM digitaltwins T' --limit 3",
    'twinfront query "SELECT * FROM relationships" -o ndjson > relationships.ndjson',
    'echo "SELECT COUNT() FROM digitaltwins" | twinfront query - -o json',
)


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("query", metavar="QUERY", help="The query; - reads it from stdin.")
    parser.add_argument("--limit", type=count, metavar="N", help="Print so many rows at the most.")
    add_output_argument(parser)
    add_connection_arguments(parser)


def run(options: Namespace) -> int:
    """Prints the rows as they come."""
    text = sys.stdin.read() if options.query == "-" else options.query
    with connect(options) as client:
        print_rows(islice(client.stream_query(text, timeout=options.timeout), options.limit), options.output)
    return 0
