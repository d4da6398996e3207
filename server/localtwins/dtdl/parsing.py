"""Parse and validate a batch of models."""

import json
from collections.abc import Sequence

from localtwins.dtdl.co_type_rules import check_co_types
from localtwins.dtdl.errors import DtdlError, Problem
from localtwins.dtdl.inheritance import Inheritance, check_element_counts
from localtwins.dtdl.interface import Interface
from localtwins.dtdl.limits import INTERFACE_BYTES, JSON_DEPTH
from localtwins.dtdl.loading import Checkpoint, Loader, Resolver, no_checkpoint
from localtwins.dtdl.model_graph import ModelGraph
from localtwins.dtdl.reading import Reader
from localtwins.dtdl.schema_rules import check_schemas


def parse(
    documents: Sequence[object], resolve: Resolver | None = None, checkpoint: Checkpoint = no_checkpoint
) -> list[Interface]:
    """Parse and validate models, each one DTDL Interface as parsed JSON, together.

    What they refer to must be among them or come from `resolve`, which gives the stored document of a DTMI or None;
    stored documents count as valid. Answers the interfaces in the order of the documents. `checkpoint` is called often
    in between; what it raises ends the parsing and comes out here.

    Raises:
        DtdlError: with all problems found.
    """
    resolve = resolve or (lambda _: None)
    reader = Reader(checkpoint)
    for document in documents:
        checkpoint()
        problem = _size_problem(document)
        if problem is None:
            reader.read(document)
        else:
            reader.problems.append(problem)
    graph = ModelGraph(reader, resolve)
    check_schemas(graph)
    inheritance = Inheritance(graph)
    check_co_types(graph, inheritance)
    if not graph.problems:
        check_element_counts(graph, inheritance)
    if graph.problems:
        raise DtdlError(graph.problems, graph.unresolved)
    batch = {document["@id"]: document for document in documents if isinstance(document, dict)}
    loader = Loader(lambda dtmi: batch.get(dtmi) or resolve(dtmi), checkpoint)
    return [loader.load(document) for document in batch.values()]


def _size_problem(document: object) -> Problem | None:
    element = document.get("@id") if isinstance(document, dict) else None
    name = element if isinstance(element, str) else ""
    level = [document]
    for _ in range(JSON_DEPTH):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            break
    else:
        return Problem("jsonTooDeep", f"{name} is nested more than {JSON_DEPTH} levels deep.", name)
    size = len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"))
    if size > INTERFACE_BYTES:
        message = f"JSON text of {name} is {size} bytes in length, but no more than {INTERFACE_BYTES} are permissible."
        return Problem("partitionTooLarge", message, name)
    return None
