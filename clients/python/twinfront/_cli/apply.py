"""`twinfront apply`."""

from argparse import ArgumentParser, Namespace
from typing import Final

import shtab

from twinfront._cli.connection import add_connection_arguments, connect
from twinfront._cli.graph_files import read_graph_files
from twinfront._cli.importing import GraphImport, import_all

EXAMPLES: Final = (
    "twinfront apply building.ndjson",
    "twinfront apply models rooms.json --dry-run",
    "twinfront export | twinfront apply -",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument(
        "files",
        metavar="PATH",
        nargs="+",
        help="A .json file with a model, digital twin or relationship, a list of such, or an export of Azure Digital "
        "Twins Explorer; an .ndjson file in the import format of Azure Digital Twins; a folder of both; or - for the "
        "import format from stdin. Models go first and relationships last. What is there already is replaced; models "
        "are left as they are.",
    ).complete = shtab.FILE  # type: ignore[attr-defined]  # read by shtab
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="Only say how each would end on the graph as it is (localtwins only): what refers to something that is "
        "new in these files fails.",
    )
    add_connection_arguments(parser)


def run(options: Namespace) -> int:
    """Imports the files; JSON files are all read before anything is written."""
    files = read_graph_files(options.files)
    with connect(options) as client:
        imported = GraphImport(client, dry_run=options.dry_run, timeout=options.timeout)
        return import_all(
            imported,
            [
                ("models and twins", [*files.models, *files.twins]),
                *files.texts,
                ("relationships", files.relationships),
            ],
        )
