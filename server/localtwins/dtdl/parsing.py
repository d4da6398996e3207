"""Parses and validates a batch of models."""

from collections.abc import Sequence

from localtwins.dtdl.co_type_rules import check_co_types
from localtwins.dtdl.errors import DtdlError
from localtwins.dtdl.inheritance import Inheritance, check_element_counts
from localtwins.dtdl.interface import Interface
from localtwins.dtdl.loading import Checkpoint, Loader, Resolver, no_checkpoint
from localtwins.dtdl.model_graph import ModelGraph
from localtwins.dtdl.reading import Reader
from localtwins.dtdl.schema_rules import check_schemas


def parse(
    documents: Sequence[object],
    resolve: Resolver | None = None,
    *,
    sizes: Sequence[int] | None = None,
    checkpoint: Checkpoint = no_checkpoint,
) -> list[Interface]:
    """Parses and validates models together, and gives their interfaces in the order of the documents.

    Args:
        documents: the models, each one DTDL Interface as parsed JSON. What they refer to must be among them, or come
            from `resolve`.
        resolve: gives the stored document of a DTMI, or None; stored documents count as valid.
        sizes: the bytes of JSON that each document was read from; without them each counts as if it were written
            without white space.
        checkpoint: called often; what it raises ends the work and comes out here.

    Raises:
        DtdlError: with all problems found.
    """
    resolve = resolve or (lambda _: None)
    reader = Reader(checkpoint)
    for index, document in enumerate(documents):
        checkpoint()
        reader.read(document, index, sizes[index] if sizes is not None else None)
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
    return [loader.load(interface_id) for interface_id in batch]
