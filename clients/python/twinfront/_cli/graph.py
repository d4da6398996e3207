"""`twinfront graph`."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import graphviz
import shtab

from twinfront import DigitalTwin, Relationship, TwinfrontClient
from twinfront._cli.connection import add_connection_arguments, connect
from twinfront._cli.exit_codes import FAILED
from twinfront._cli.numbers import count
from twinfront._cli.output import errors, shown
from twinfront.errors import NotFoundError

EXAMPLES: Final = (
    "twinfront graph floor-0",
    "twinfront graph room-001 --depth 2 --svg --file room-001.svg",
)

_BATCH: Final = 1000


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("twin", metavar="TWIN", help="The twin's id.")
    parser.add_argument("--depth", type=count, default=1, metavar="N", help="How many steps to go [%(default)s].")
    parser.add_argument("--max-twins", type=count, default=200, metavar="N", help="Draw no more [%(default)s].")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--dot", action="store_true", help="Write Graphviz's language, which is the default.")
    form.add_argument("--svg", action="store_true", help="Write SVG; needs Graphviz's dot on the PATH.")
    parser.add_argument(
        "-f", "--file", metavar="FILE", help="The file to write; stdout if not given."
    ).complete = shtab.FILE  # type: ignore[attr-defined]  # read by shtab
    add_connection_arguments(parser)


def run(options: Namespace) -> int:
    """Reads the neighbourhood and draws it."""
    with connect(options) as client:
        walk = _Walk(client, options.max_twins, options.timeout)
        walk.go(options.twin, options.depth)
        twins = walk.read_twins()
    if walk.is_cut:
        errors().print(f"Only the first {options.max_twins} twins are drawn; --max-twins draws more.")
    drawing = _draw(options.twin, twins, walk.relationships.values())
    if options.svg:
        try:
            drawn = drawing.pipe(format="svg")
        except graphviz.ExecutableNotFound:
            errors().print("twinfront graph: Graphviz's dot is not on the PATH: install graphviz, or leave out --svg")
            return FAILED
    else:
        drawn = drawing.source.encode()
    if options.file is None:
        sys.stdout.buffer.write(drawn)
        sys.stdout.buffer.flush()
    else:
        Path(options.file).write_bytes(drawn)
    return 0


class _Walk:
    """Goes from twin to twin, breadth first."""

    def __init__(self, client: TwinfrontClient, max_twins: int, timeout: float | None) -> None:
        self.relationships: dict[tuple[str, str], Relationship] = {}
        self.is_cut = False
        self._twins: dict[str, None] = {}
        self._client = client
        self._max_twins = max_twins
        self._timeout = timeout

    def go(self, start: str, depth: int) -> None:
        """Finds the twins within so many steps, and the relationships on the way.

        Raises:
            TwinNotFoundError: There is no twin to start from.
        """
        self._client.get_digital_twin(start, view="basic", timeout=self._timeout)
        self._twins[start] = None
        frontier = [start]
        for _ in range(depth):
            frontier = [found for twin in frontier for found in self._neighbours(twin)]

    def read_twins(self) -> list[DigitalTwin]:
        """Reads the twins that were found."""
        ids = list(self._twins)
        return [
            twin
            for start in range(0, len(ids), _BATCH)
            for twin in self._client.batch_get_digital_twins(
                ids[start : start + _BATCH], view="basic", timeout=self._timeout
            ).digital_twins
        ]

    def _neighbours(self, twin: str) -> list[str]:
        found = []
        for relationship in self._relationships(twin):
            other = relationship.target_id if relationship.source_id == twin else relationship.source_id
            if other not in self._twins:
                if len(self._twins) == self._max_twins:
                    self.is_cut = True
                    continue
                self._twins[other] = None
                found.append(other)
            self.relationships[relationship.source_id, relationship.id] = relationship
        return found

    def _relationships(self, twin: str) -> Iterable[Relationship]:
        try:
            yield from self._client.list_relationships(twin, timeout=self._timeout)
            for incoming in self._client.list_incoming_relationships(twin, timeout=self._timeout):
                yield Relationship(
                    id=incoming.relationship_id, source_id=incoming.source_id, target_id=twin, name=incoming.name
                )
        except NotFoundError:
            return  # deleted meanwhile


def _draw(start: str, twins: Iterable[DigitalTwin], relationships: Iterable[Relationship]) -> graphviz.Digraph:
    drawing = graphviz.Digraph(
        "twins", graph_attr={"rankdir": "LR"}, node_attr={"shape": "box", "fontname": "sans-serif"}
    )
    # Twins are numbered: in the names of nodes a colon would lead to a port.
    names = {}
    for number, twin in enumerate(twins):
        names[twin.id] = f"t{number}"
        label = f"{graphviz.escape(shown(twin.id))}\\n{graphviz.escape(twin.model_id.rpartition(':')[2])}"
        drawing.node(names[twin.id], label=label, penwidth="2" if twin.id == start else None)
    for relationship in relationships:
        if relationship.source_id in names and relationship.target_id in names:
            drawing.edge(
                names[relationship.source_id],
                names[relationship.target_id],
                label=graphviz.escape(shown(relationship.name)),
            )
    return drawing
