"""Parse and validate a batch of models."""
from collections.abc import Sequence, Mapping
from typing import Any
from localtwins.dtdl.errors import DtdlError, Problem
from localtwins.dtdl.interface import Interface
from localtwins.dtdl.loading import Loader, Resolver
from localtwins.dtdl import json_ld


def parse(documents: Sequence[object], resolve: Resolver | None = None) -> list[Interface]:
    problems = []
    for document in documents:
        if not isinstance(document, dict) or "@context" not in document:
            problems.append(Problem("missingContext", "In source, top-level JSON object has no @context specifier. Add a '@context' property whose value is a valid DTDL context specifier, such as 'dtmi:dtdl:context;2'.", ""))
        elif "@id" not in document:
            problems.append(Problem("missingTopLevelId", "In source, top-level JSON element requires an identifer but none provided. Add an '@id' property whose value is a string that conforms to the DTMI syntax -- see https://github.com/Azure/digital-twin-model-identifier.", ""))
        elif str(document["@context"]).startswith("dtmi:dtdl:context;4"):
            problems.append(Problem("disallowedContextVersion", "DTDL 4 is not supported", str(document["@id"])))
    if problems:
        raise DtdlError(problems)
    batch = {d["@id"]: d for d in documents}
    def find(i: str) -> Mapping[str, Any] | None:
        return batch.get(i) or (resolve(i) if resolve else None)
    missing: dict[str, int] = {}
    for d in documents:
        refs = list(json_ld.listed(d.get("extends", [])))
        refs += [c["schema"] for c in json_ld.listed(d.get("contents", [])) if "Component" in json_ld.listed(c["@type"])]
        for r in refs:
            if find(r) is None:
                missing[r] = missing.get(r, 0) + 1
    if missing:
        text = ", ".join(f"{i} (referenced in {n} place{'s' if n > 1 else ''})" for i, n in missing.items())
        raise DtdlError([Problem("unresolvedReference", f"DtmiResolverAsync failed to resolve requisite references to element(s): {text}", next(iter(missing)))], list(missing.items()))
    loader = Loader(find)
    return [loader.load(d) for d in documents]
