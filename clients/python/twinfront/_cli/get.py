"""`twinfront get`."""

from argparse import ArgumentParser, Namespace
from typing import Final

from twinfront import IncomingRelationship
from twinfront._cli.connection import add_connection_arguments, connect
from twinfront._cli.output import add_output_argument, print_document, print_rows

EXAMPLES: Final = (
    "twinfront get room-001",
    "twinfront get room-001 -o ndjson >> rooms.ndjson",
    "twinfront get room-001 --component thermostat",
    "twinfront get floor-0 --relationships hasRoom -o ndjson",
    "twinfront get room-001 --incoming",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("twin", metavar="TWIN", help="The twin's id.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--component", metavar="NAME", help="Show this component of the twin.")
    what.add_argument("--relationship", metavar="ID", help="Show this relationship that starts from the twin.")
    what.add_argument(
        "--relationships",
        metavar="NAME",
        nargs="?",
        const="",
        help="List the relationships that start from the twin; those of a name only, if there is one.",
    )
    what.add_argument("--incoming", action="store_true", help="List the relationships that point to the twin.")
    add_output_argument(parser, of="what is shown", default="json; table for lists")
    add_connection_arguments(parser)


def run(options: Namespace) -> int:
    """Prints what was asked for."""
    with connect(options) as client:
        if options.component is not None:
            component = client.get_component(options.twin, options.component, timeout=options.timeout)
            print_document(component.to_dict(), options.output)
        elif options.relationship is not None:
            found = client.get_relationship(options.twin, options.relationship, timeout=options.timeout)
            print_document(found.to_dict(), options.output)
        elif options.relationships is not None:
            outgoing = client.list_relationships(options.twin, options.relationships or None, timeout=options.timeout)
            print_rows((entry.to_dict() for entry in outgoing), options.output)
        elif options.incoming:
            incoming = client.list_incoming_relationships(options.twin, timeout=options.timeout)
            print_rows(map(_incoming, incoming), options.output)
        else:
            print_document(client.get_digital_twin(options.twin, timeout=options.timeout).to_dict(), options.output)
    return 0


def _incoming(entry: IncomingRelationship) -> dict[str, str]:
    """Writes an incoming relationship in the JSON form of Azure Digital Twins."""
    return {
        "$relationshipId": entry.relationship_id,
        "$sourceId": entry.source_id,
        "$relationshipName": entry.name,
    }
