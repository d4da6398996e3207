"""All elements that a batch consists of and refers to."""

from collections import deque
from collections.abc import Iterator

from localtwins.dtdl.dtmi import is_reserved
from localtwins.dtdl.element import Element, ElementReference
from localtwins.dtdl.errors import MOST_TOLD, UNRESOLVED_REFERENCE, Problem, shown
from localtwins.dtdl.loading import Resolver
from localtwins.dtdl.reading import Reader
from localtwins.dtdl.vocabulary import STANDARD_ELEMENTS


class ModelGraph:
    """Joins the batch's elements with those of the stored models that they depend on, and checks all references.

    Stored models are valid, so no problem of theirs is reported.

    Args:
        batch: has read the documents of the batch; it reads the stored models that they refer to, and their ancestors.
        resolve: gives the stored documents.
    """

    def __init__(self, batch: Reader, resolve: Resolver) -> None:
        self.problems = batch.problems
        self.checkpoint = batch.checkpoint
        self.batch = list(batch.elements.values())
        self.elements = dict(batch.elements)
        self.unresolved: list[tuple[str, int]] = []
        self._references = batch.references
        self._resolve(batch, resolve)
        self._check_references()

    def report(self, element: Element, rule: str, message: str) -> None:
        """Adds a problem of `element`."""
        self.problems.add(Problem(rule, f"{element.title} {message}", element.id, element.document))

    def kind(self, element_id: str) -> str | None:
        """Gives the DTDL class of an element, own or standard; None if there is none that is readable."""
        if element_id in self.elements:
            return self.elements[element_id].kind
        return STANDARD_ELEMENTS[element_id].kind if element_id in STANDARD_ELEMENTS else None

    def children(self, element: Element, term: str) -> Iterator[Element]:
        """Gives the readable elements in a property, without standard ones."""
        return (self.elements[child] for child in element.children.get(term, ()) if child in self.elements)

    def _resolve(self, batch: Reader, resolve: Resolver) -> None:
        places: dict[str, list[ElementReference]] = {}
        waiting = deque(self._references)
        asked: set[str] = set()
        while waiting:
            reference = waiting.popleft()
            target = reference.target
            if target in self.elements or target in STANDARD_ELEMENTS or target in batch.stated_ids:
                continue
            if target not in asked:
                asked.add(target)
                stored = Reader(self.checkpoint)
                document = resolve(target)
                if document is not None:
                    stored.read(dict(document))
                if target in stored.elements:
                    self._add_stored(stored)
                    waiting.extend(other for other in stored.references if other.term == "extends")
                    continue
            if is_reserved(target):
                message = f"refers to {shown(target)}, which the language does not define."
                self._report(reference, "undefinedReservedId", message)
            else:
                places.setdefault(target, []).append(reference)
        if places:
            self._report_unresolved(places)

    def _report_unresolved(self, places: dict[str, list[ElementReference]]) -> None:
        self.unresolved = [(target, len(references)) for target, references in places.items()]
        itemized = ", ".join(
            f"{shown(target)} (referenced in {count} place{'s' if count > 1 else ''})"
            for target, count in self.unresolved[:MOST_TOLD]
        )
        message = f"DtmiResolverAsync failed to resolve requisite references to element(s): {itemized}"
        parts: dict[int, str] = {}
        for target, references in places.items():
            for reference in references:
                source = reference.source
                if source.document is not None and source.document not in parts:
                    what = f"property '{reference.term}' refers to {shown(target)}"
                    parts[source.document] = f"{source.title} {what}, which is neither among the models nor stored."
        self.problems.add(Problem(UNRESOLVED_REFERENCE, message, self.unresolved[0][0], parts=parts))

    def _add_stored(self, stored: Reader) -> None:
        for element_id, element in stored.elements.items():
            known = self.elements.setdefault(element_id, element)
            if known is not element:
                self.report(
                    known, "duplicateDefinition", f"is defined in the stored model {shown(element.interface)} too."
                )

    def _check_references(self) -> None:
        for reference in self._references:
            kind = self.kind(reference.target)
            if kind is None:
                continue
            if kind not in reference.expects.kinds:
                expected = " or ".join(sorted(reference.expects.kinds))
                self._report(
                    reference, "badType", f"refers to {shown(reference.target)}, which is not of type {expected}."
                )
                continue
            target = self.elements.get(reference.target)
            version = target.dtdl_version if target is not None else STANDARD_ELEMENTS[reference.target].dtdl_version
            if not reference.expects.take_version(version, reference.source.dtdl_version):
                self._report(
                    reference,
                    "disallowedVersionReference",
                    f"refers to {shown(reference.target)}, which is defined in DTDL version {version}. Version "
                    f"{reference.source.dtdl_version} cannot refer to it there.",
                )
            if target is not None and kind != "Interface" and target.interface != reference.source.interface:
                self._report(
                    reference,
                    "crossPartitionReference",
                    f"refers to {shown(reference.target)}, whose definition is nested within "
                    f"{shown(target.interface)}. Copy it under another id.",
                )

    def _report(self, reference: ElementReference, rule: str, message: str) -> None:
        self.report(reference.source, rule, f"property '{reference.term}' {message}")
