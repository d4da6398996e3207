"""Loads a graph in the import format of Azure Digital Twins through gRPC, and reads it back if asked to.

    python load_graph.py graph.ndjson --verify
    python load_graph.py building.ndjson --models models/

The file has one JSON object a line: {"Section": "Header"}, then its data; {"Section": "Models"} with DTDL interfaces,
{"Section": "Twins"}, {"Section": "Relationships"}, whose source twin is `$dtId` or `$sourceId`. Models may also lie in
a folder, one JSON file each. Models that are there already are left as they are; twins and relationships are replaced.
Loading is not atomic: what failed is listed, what succeeded stays, and the exit status is 1 if anything failed.
"""

import argparse
import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, TypeVar

from twinfront import (
    AsyncTwinfrontClient,
    DigitalTwin,
    Relationship,
    TlsConfig,
    TwinfrontError,
)

MODELS_PER_CALL = 250
"""What Azure Digital Twins takes at once."""

BYTES_PER_CALL = 2 * 1024 * 1024
"""Half of what a server takes by default in one message."""

SHOWN_CHARACTERS = 200
"""Of what differs, on each side."""

SECTIONS = ("Header", "Models", "Twins", "Relationships")

Item = TypeVar("Item")
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done, and how many there are."""


class GraphError(Exception):
    """The file is not in the import format."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Holds the content of a file."""

    models: list[dict[str, Any]]
    """DTDL interfaces."""
    twins: list[DigitalTwin]
    relationships: list[Relationship]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Tells what came of loading a graph."""

    models: int
    """How many were created; those that were there already do not count."""
    twins: int
    relationships: int
    failures: list[str] = field(default_factory=list)
    """A line for each call that failed, naming what it was about."""


def read_graph(path: Path, models_folder: Path | None = None) -> Graph:
    """Reads a file in the import format, and the models of a folder beside it.

    Raises:
        GraphError: a line is no JSON object, is in no section, or lacks an id.
        OSError: a file cannot be read.
    """
    models: list[dict[str, Any]] = []
    twins: list[DigitalTwin] = []
    relationships: list[Relationship] = []
    section = None
    # The official generator writes a byte order mark and ends with an empty line.
    for number, line in enumerate(path.read_text("utf-8-sig").split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path.name}, line {number}"
        row = _object(line, where)
        if "Section" in row:
            section = row["Section"]
            if section not in SECTIONS:
                raise GraphError(f"{where}: no section is called {section!r}")
            continue
        match section:
            case None:
                raise GraphError(f"{where}: comes before the first section")
            case "Models":
                models.append(_model(row, where))
            case "Twins":
                twins.append(_twin(row, where))
            case "Relationships":
                relationships.append(_relationship(row, where))
    files = sorted(models_folder.glob("*.json")) if models_folder else []
    models += [_model(_object(file.read_text("utf-8-sig"), file.name), file.name) for file in files]
    return Graph(models, twins, relationships)


def model_batches(models: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Splits models into calls, sent one after the other: none refers to a model of a later call.

    Raises:
        GraphError: models refer to each other in a circle, or two have the same id.
    """
    by_id = {model["@id"]: model for model in models}
    if len(by_id) < len(models):
        raise GraphError(f"there are {len(models)} models with only {len(by_id)} different ids")
    sorter = TopologicalSorter({model_id: _references(model) & by_id.keys() for model_id, model in by_id.items()})
    batch: list[dict[str, Any]] = []
    size = 0
    try:
        order = list(sorter.static_order())
    except CycleError as error:
        raise GraphError(f"these models refer to each other in a circle: {', '.join(error.args[1])}") from None
    for model_id in order:
        model_size = len(json.dumps(by_id[model_id]))
        if batch and (len(batch) == MODELS_PER_CALL or size + model_size > BYTES_PER_CALL):
            yield batch
            batch, size = [], 0
        batch.append(by_id[model_id])
        size += model_size
    if batch:
        yield batch


async def load_graph(
    client: AsyncTwinfrontClient, graph: Graph, *, concurrency: int = 32, progress: Progress = lambda *_: None
) -> LoadReport:
    """Writes the models that are missing, then all twins, then all relationships.

    Args:
        client: where to.
        graph: what to write.
        concurrency: how many calls may be under way at once.
        progress: is told about each call that ended.
    """
    failures: list[str] = []
    present = {model.id async for model in client.list_models()}
    missing = [model for model in graph.models if model["@id"] not in present]
    created = 0
    for batch in model_batches(missing):
        try:
            created += len(await client.create_models(batch))
        except (TwinfrontError, ValueError) as error:
            failures.append(f"models {batch[0]['@id']} … {batch[-1]['@id']}: {error}")
        progress("models", created, len(missing))

    async def put_twin(twin: DigitalTwin) -> None:
        await client.create_or_replace_digital_twin(twin.id, twin)

    async def put_relationship(relationship: Relationship) -> None:
        await client.create_or_replace_relationship(relationship.source_id, relationship.id, relationship)

    async def put_all(what: str, items: Sequence[Item], put: Callable[[Item], Awaitable[None]]) -> int:
        """Puts all items and returns how many it could."""
        failed = len(failures)

        async def put_one(item: Item) -> None:
            try:
                await put(item)
            except (TwinfrontError, ValueError) as error:
                failures.append(f"{_name(item)}: {error}")

        await each(items, put_one, concurrency=concurrency, done=lambda count: progress(what, count, len(items)))
        return len(items) - (len(failures) - failed)

    twins = await put_all("twins", graph.twins, put_twin)
    relationships = await put_all("relationships", graph.relationships, put_relationship)
    return LoadReport(created, twins, relationships, failures)


async def compare_graph(
    client: AsyncTwinfrontClient, graph: Graph, *, concurrency: int = 32, progress: Progress = lambda *_: None
) -> list[str]:
    """Reads the graph back and tells, a line each, where it differs.

    Models, twins with their components, and each twin's relationships in both directions are compared; a relationship
    that is there and not in the graph is a difference too.
    """
    differences: list[str] = []
    outgoing: dict[str, list[Relationship]] = defaultdict(list)
    incoming: dict[str, list[Relationship]] = defaultdict(list)
    for relationship in graph.relationships:
        outgoing[relationship.source_id].append(relationship)
        incoming[relationship.target_id].append(relationship)

    def compare(name: str, expected: object, found: object) -> None:
        if expected != found:
            differences.append(f"{name}: expected {_shortened(expected)}, found {_shortened(found)}")

    async def compare_model(model: dict[str, Any]) -> None:
        found = await client.get_model(model["@id"], include_model_definition=True)
        compare(f"model {model['@id']}", model, found.dtdl_model)

    async def compare_twin(twin: DigitalTwin) -> None:
        found = await client.get_digital_twin(twin.id, view="basic")
        compare(f"twin {twin.id}", _content(twin), _content(found))
        starting = {entry.id: _edge(entry) async for entry in client.list_relationships(twin.id)}
        compare(f"relationships from {twin.id}", {entry.id: _edge(entry) for entry in outgoing[twin.id]}, starting)
        arriving = {
            (entry.source_id, entry.relationship_id, entry.name)
            async for entry in client.list_incoming_relationships(twin.id)
        }
        compare(
            f"relationships to {twin.id}",
            {(entry.source_id, entry.id, entry.name) for entry in incoming[twin.id]},
            arriving,
        )

    async def compare_all(what: str, items: Sequence[Item], compare_one: Callable[[Item], Awaitable[None]]) -> None:
        async def find_and_compare(item: Item) -> None:
            try:
                await compare_one(item)
            except TwinfrontError as error:
                differences.append(f"{_name(item)}: {error}")

        done = lambda count: progress(f"{what} compared", count, len(items))  # noqa: E731
        await each(items, find_and_compare, concurrency=concurrency, done=done)

    await compare_all("models", graph.models, compare_model)
    await compare_all("twins", graph.twins, compare_twin)
    return differences


async def each(
    items: Iterable[Item],
    action: Callable[[Item], Awaitable[None]],
    *,
    concurrency: int,
    done: Callable[[int], None],
) -> None:
    """Does something with every item, `concurrency` of them at a time; `done` hears how many are."""
    remaining = iter(items)
    count = 0

    async def work() -> None:
        nonlocal count
        for item in remaining:
            await action(item)
            count += 1
            done(count)

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise GraphError(f"{where}: {error}") from None
    if not isinstance(value, dict):
        raise GraphError(f"{where}: is no JSON object")
    return value


def _model(row: dict[str, Any], where: str) -> dict[str, Any]:
    _check_ids(where, row.get("@id"))
    return row


def _twin(row: dict[str, Any], where: str) -> DigitalTwin:
    _check_ids(where, row.get("$dtId"))
    try:
        return DigitalTwin.from_dict(row)
    except (AttributeError, TypeError):
        raise GraphError(f"{where}: has a $metadata that is none") from None


def _relationship(row: dict[str, Any], where: str) -> Relationship:
    # The source twin is `$dtId` in the samples of Azure Digital Twins, `$sourceId` in what other tools write.
    source_id = row.get("$sourceId") or row.get("$dtId")
    _check_ids(where, source_id, row.get("$relationshipId"), row.get("$targetId"))
    return Relationship.from_dict({**row, "$sourceId": source_id})


def _check_ids(where: str, *ids: Any) -> None:
    if not all(isinstance(value, str) and value for value in ids):
        raise GraphError(f"{where}: lacks an id")


def _references(model: dict[str, Any]) -> set[str]:
    """Ids that have to be known before the model; among them some of other things than models."""
    contents = [content for content in _listed(model.get("contents")) if isinstance(content, dict)]
    names = [*_listed(model.get("extends")), *(content.get("schema") for content in contents)]
    return {name for name in names if isinstance(name, str)} - {model["@id"]}


def _listed(value: Any) -> list[Any]:
    """Gives a list of what DTDL lets be written as itself if it is only one."""
    return value if isinstance(value, list) else [value]


def _content(twin: DigitalTwin) -> dict[str, Any]:
    components = {name: component.properties for name, component in twin.components.items()}
    return {"model": twin.model_id, "properties": twin.properties, "components": components}


def _edge(relationship: Relationship) -> tuple[str, str, dict[str, Any]]:
    return relationship.name, relationship.target_id, relationship.properties


def _shortened(value: object) -> str:
    text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _name(item: object) -> str:
    match item:
        case DigitalTwin():
            return f"twin {item.id}"
        case Relationship():
            return f"relationship {item.source_id}/{item.id}"
        case _:
            return f"model {item['@id']}" if isinstance(item, dict) else str(item)


def print_progress(what: str, done: int, total: int) -> None:
    """Prints a line every thousand, and one at the end."""
    if done % 1000 == 0 or done == total:
        print(f"{what}: {done} of {total}", flush=True)


async def main() -> int:
    """Does what the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", type=Path, help="the file in import format (NDJSON)")
    parser.add_argument("--models", type=Path, metavar="FOLDER", help="further models, one JSON file each")
    parser.add_argument("--verify", action="store_true", help="read the graph back afterwards and compare")
    parser.add_argument("--concurrency", type=int, default=32, help="calls under way at once [%(default)s]")
    parser.add_argument(
        "--address", default=os.environ.get("TWINFRONT_ADDRESS", "localhost:50051"), help="[%(default)s]"
    )
    parser.add_argument("--tls", action="store_true", help="use TLS; implied by the following three")
    parser.add_argument("--tls-ca", metavar="FILE", help="authorities that vouch for the server, PEM")
    parser.add_argument(
        "--tls-cert", metavar="FILE", help="the client's certificate, PEM, where the server asks for one"
    )
    parser.add_argument("--tls-key", metavar="FILE", help="the private key of --tls-cert, PEM")
    parser.add_argument("--insecure", action="store_true", help="talk in the clear even to another machine")
    arguments = parser.parse_args()
    if arguments.concurrency < 1:
        parser.error("--concurrency is at least 1")
    tls: TlsConfig | bool = arguments.tls
    try:
        if arguments.tls_ca or arguments.tls_cert or arguments.tls_key:
            tls = TlsConfig(ca=arguments.tls_ca, cert=arguments.tls_cert, key=arguments.tls_key)
        graph = read_graph(arguments.graph, arguments.models)
        client = AsyncTwinfrontClient(
            arguments.address, tls=tls, insecure=arguments.insecure, token=os.environ.get("TWINFRONT_TOKEN")
        )
    except (GraphError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    async with client:
        try:
            await anext(client.list_models(page_size=1, timeout=5.0).pages())
        except TwinfrontError as error:
            print(f"No server answers there; `make run` starts one. {error}", file=sys.stderr)
            return 1
        try:
            return await run(client, graph, concurrency=arguments.concurrency, verify=arguments.verify)
        except (GraphError, TwinfrontError) as error:
            print(error, file=sys.stderr)
            return 1


async def run(client: AsyncTwinfrontClient, graph: Graph, *, concurrency: int, verify: bool) -> int:
    """Loads, compares if asked to, and prints what came of it."""
    report = await load_graph(client, graph, concurrency=concurrency, progress=print_progress)
    problems = [f"failed: {failure}" for failure in report.failures]
    if verify:
        differences = await compare_graph(client, graph, concurrency=concurrency, progress=print_progress)
        problems += [f"differs: {difference}" for difference in differences]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"loaded {report.models} models, {report.twins} twins, {report.relationships} relationships")
    if verify and not problems:
        print("read back equal")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
