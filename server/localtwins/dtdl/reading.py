"""Elements from documents, and every problem that an element shows by itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from localtwins.dtdl import literals
from localtwins.dtdl.context import Context, ContextError, child_context
from localtwins.dtdl.dtmi import MAX_ID, MAX_INTERFACE_ID, child_id, is_dtmi, is_reserved
from localtwins.dtdl.element import Element, ElementReference, title
from localtwins.dtdl.element_types import ElementTypes, is_interface, read_types
from localtwins.dtdl.errors import Problem, Problems, shown
from localtwins.dtdl.json_ld import flattened
from localtwins.dtdl.literals import Report
from localtwins.dtdl.loading import Checkpoint
from localtwins.dtdl.metamodel import DOCUMENT, FIELDS, REQUIRED, Elements, Field, is_required
from localtwins.dtdl.size import size_problem
from localtwins.dtdl.vocabulary import STANDARD_ELEMENTS

_PROPERTY: Final = re.compile(r"dtmi:dtdl:property:([A-Za-z]+);([1-9][0-9]*)")
_KEYWORDS: Final = frozenset(["@context", "@id", "@type", "@graph"])
_DTMI_SYNTAX: Final = "https://github.com/Azure/digital-twin-model-identifier"


@dataclass(slots=True, eq=False)
class _Place:
    """Tells where an element stands: in which parent's property, what that takes, and whom problems there concern."""

    parent: Element | None
    term: str
    takes: Elements
    report: Report

    @property
    def where(self) -> str:
        """Tells in a message that it is about a value there."""
        return f"property '{self.term}' has a value"


class Reader:
    """Reads documents into `elements` (by id), `references` between them and `problems`.

    Attributes:
        stated_ids: all ids that are defined somewhere, those of unreadable elements too.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.elements: dict[str, Element] = {}
        self.stated_ids: set[str] = set()
        self.references: list[ElementReference] = []
        self.problems = Problems()
        self._document: int | None = None

    def read(self, document: object, index: int | None = None, size: int | None = None) -> None:
        """Reads a document.

        Args:
            document: parsed JSON.
            index: its place in the batch; None for a stored one.
            size: its bytes, if known.
        """
        self._document = index
        problem = None if index is None else size_problem(document, size)
        if not isinstance(document, dict):
            self._report("", "notJsonObject", "Top-level JSON element is not a JSON object.")
            return
        stated = document.get("@id")
        element_id = stated if isinstance(stated, str) else ""
        self.stated_ids.add(element_id)
        report = partial(self._report, element_id)
        if problem is not None:
            report(*problem)
            return
        try:
            context = child_context(None, document)
        except ContextError as error:
            report(error.rule, error.message)
            return
        if "@graph" in document:
            report("topLevelGraphDisallowed", "Top-level JSON object has a '@graph' property. Remove it.")
        elif "@id" not in document:
            report(
                "missingTopLevelId",
                "In source, top-level JSON element requires an identifer but none provided. Add an '@id' property "
                f"whose value is a string that conforms to the DTMI syntax -- see {_DTMI_SYNTAX}.",
            )
        elif not is_interface(document.get("@type"), context.dtdl_version):
            report("typeNotRootable", f"Top-level JSON element {shown(element_id)} does not have @type of 'Interface'.")
        else:
            report = partial(self._report_of, element_id, None)
            for keyword in _unknown_keywords(document, context):
                report(
                    "topLevelKeywordDisallowed", f"has the keyword '{shown(keyword)}', which is not allowed. Remove it."
                )
            self._element(document, context, _Place(None, "", DOCUMENT, report))

    def _report(self, element_id: str, rule: str, message: str) -> None:
        self.problems.add(Problem(rule, message, element_id[:MAX_ID], self._document))

    def _report_of(self, element_id: str, interface: str | None, rule: str, message: str) -> None:
        self._report(element_id, rule, f"{title(element_id, interface)} {message}")

    def _child(self, source: dict[str, Any], outer: Context, place: _Place, parent: Element) -> Element | None:
        context = outer
        if "@context" in source:
            try:
                context = child_context(outer, source)
            except ContextError as error:
                self._report(parent.id, error.rule, error.message)
                return None
        if len(source) == 1 and "@id" in source:
            place.report("idReference", f"{place.where} with nothing but an '@id'. Give the DTMI as a string.")
            return None
        if "@graph" in source:
            place.report("graphDisallowed", f"{place.where} with a '@graph' property. Remove it.")
        for keyword in _unknown_keywords(source, context):
            what = f"with the keyword '{shown(keyword)}', which is not allowed"
            place.report("keywordDisallowed", f"{place.where} {what}. Remove it.")
        if not place.takes.take_version(context.dtdl_version, parent.dtdl_version):
            what = f"written in DTDL version {context.dtdl_version}, which is not allowed there"
            place.report("disallowedVersionDefinition", f"{place.where} {what}.")
        return self._element(source, context, place)

    def _element(self, source: dict[str, Any], context: Context, place: _Place) -> Element | None:
        self.checkpoint()
        element_id = self._stated_id(source, context, place) if "@id" in source else _id_from_place(source, place)
        if element_id is None:
            return None
        interface = place.parent.interface if place.parent is not None else None
        if element_id in self.elements:
            if "@id" in source:
                self._report_of(
                    element_id, interface, "duplicateDefinition", "has more than one definition. Remove all but one."
                )
            else:
                name = shown(_name(source) or "")
                message = f"property '{place.term}' contains more than one element whose property 'name' is '{name}'."
                place.report("nonUniquePropertyValue", message)
            return None
        report = partial(self._report_of, element_id, interface)
        types = read_types(source, context, place.takes, report)
        if types is None:
            return None
        if types.kind == "Interface":
            if len(element_id) > MAX_INTERFACE_ID:
                message = f"is longer than the {MAX_INTERFACE_ID} characters that an Interface may have."
                report("idTooLongForType", message)
            if place.parent is not None:
                message = "is defined inside another Interface. Define it at top level and refer to it by its id."
                report("inlineInterface", message)
        element = Element(
            element_id, types.kind, context.dtdl_version, place.parent, place.term, types.co_types, self._document
        )
        self.elements[element_id] = element
        self._properties(source, context, element, types, report)
        return element

    def _stated_id(self, source: dict[str, Any], context: Context, place: _Place) -> str | None:
        stated = source["@id"]
        if not isinstance(stated, str) or not stated:
            place.report("idNotString", "has an '@id' that is not a string.")
            return None
        report = partial(self._report, stated)
        if len(stated) > MAX_ID:
            report("idTooLong", f"Identifier '{shown(stated)}' is longer than the {MAX_ID} characters allowed.")
        elif not is_dtmi(stated, context.dtdl_version):
            report(
                "invalidId",
                f"Identifier '{shown(stated)}' is invalid. Replace it with a valid DTMI -- see {_DTMI_SYNTAX}.",
            )
        elif is_reserved(stated, *context.reserved):
            report("reservedId", f"Identifier '{shown(stated)}' has a reserved prefix. Choose another.")
        else:
            self.stated_ids.add(stated)
            return stated
        return None

    def _properties(
        self, source: dict[str, Any], context: Context, element: Element, types: ElementTypes, report: Report
    ) -> None:
        own = FIELDS[element.dtdl_version][element.kind]
        brought = types.properties
        seen: set[str] = set()
        for key, value in source.items():
            if key.startswith("@"):
                continue
            term = key
            field = own.get(term)
            if field is None:
                term = _property_term(key, element.dtdl_version)
                field = own.get(term)
            if field is None and brought:
                term = context.dtmi(key) or key
                field = brought.get(term)
            if field is None:
                if context.is_strict or not types.has_unknown:
                    rule = "propertyUndefinedTerm" if context.is_strict else "noTypeThatAllows"
                    report(
                        rule,
                        f"does not have a @type that allows property '{shown(key)}'. "
                        "Remove it or correct it if misspelled.",
                    )
            elif term in seen:
                report("duplicatePropertyName", f"has property '{shown(key)}' under two names.")
            elif isinstance(field, Elements):
                place = _Place(element, term, field, report)
                element.children[term] = self._elements(value, context, place, element)
            else:
                found = literals.read(field, value, key, context, report)
                if found is not None:
                    element.literals[term] = found
            seen.add(term)
        required = REQUIRED[element.dtdl_version][element.kind]
        if brought or not seen.issuperset(required):
            _check_required(required, brought, seen, report)

    def _elements(self, value: Any, context: Context, place: _Place, parent: Element) -> tuple[str, ...]:
        ids: list[str] = []
        for item in flattened(value):
            if ids and not place.takes.plural:
                message = f"property '{place.term}' has multiple values but only one is allowed."
                place.report("objectMultipleValues", message)
                break
            if isinstance(item, dict):
                element = self._child(item, context, place, parent)
                if element is not None:
                    ids.append(element.id)
            elif isinstance(item, str):
                target = context.dtmi(item)
                if target is not None:
                    if not _is_known_to_fit(target, place.takes, parent.dtdl_version):
                        self.references.append(ElementReference(parent, place.term, target, place.takes))
                    ids.append(target)
                else:
                    message = (
                        f"property '{place.term}' has value '{shown(item)}' that is neither a valid DTMI reference nor "
                        f"a DTDL v{context.dtdl_version} term."
                    )
                    place.report("badDtmiOrTerm", message)
            else:
                message = f"property '{place.term}' has a value that is neither a string nor a JSON object."
                place.report("refNotStringOrObject", message)
        if len(ids) < place.takes.minimum:
            message = f"property '{place.term}' has {len(ids)} valid values but {place.takes.minimum} is required."
            place.report("objectCountBelowMin", message)
        return tuple(ids)


def _is_known_to_fit(target: str, takes: Elements, version: int) -> bool:
    """Tells whether a reference leads to a standard element, which no model can define anew, that may stand there."""
    standard = STANDARD_ELEMENTS.get(target)
    return (
        standard is not None
        and standard.kind in takes.kinds
        and takes.take_version(standard.dtdl_version, version)
        and is_reserved(target)
    )


def _unknown_keywords(source: dict[str, Any], context: Context) -> list[str]:
    if not context.is_strict or "@" not in "".join(source):
        return []
    return [key for key in source if key.startswith("@") and key not in _KEYWORDS]


def _check_required(
    required: Mapping[str, Field], brought: Mapping[str, Field], seen: set[str], report: Report
) -> None:
    for term, wanted in (*required.items(), *brought.items()):
        if term not in seen and is_required(wanted):
            rule = _missing_rule(wanted, supplemental=term in brought)
            report(rule, f"is missing the required property '{term.rpartition(':')[2]}'. Add it.")


def _property_term(key: str, version: int) -> str:
    match = _PROPERTY.fullmatch(key)
    return match[1] if match is not None and match[2] == str(version) else key


def _missing_rule(field: Field, *, supplemental: bool) -> str:
    kind = "Object" if isinstance(field, Elements) else "Literal"
    return f"missing{'Supplemental' if supplemental else ''}{kind}Property"


def _id_from_place(source: dict[str, Any], place: _Place) -> str | None:
    """Builds the id of an element that states none, from the place where it stands and from its name."""
    if place.parent is None or place.takes.id_required:
        place.report("missingRequiredId", f"{place.where} that requires an '@id' but has none.")
        return None
    if not place.takes.named:
        return child_id(place.parent.id, place.term, None)
    name = _name(source)
    if name is None:
        if _names(source):
            place.report("dtmiSegPropertyNotStringOrNumber", f"{place.where} whose 'name' is not a string.")
        else:
            place.report("missingDtmiSegPropertyValue", f"{place.where} without 'name'.")
        return None
    return child_id(place.parent.id, place.term, name)


def _names(source: dict[str, Any]) -> list[Any]:
    if ":" not in "".join(source):
        return [source["name"]] if "name" in source else []
    return [value for key, value in source.items() if key == "name" or _PROPERTY.sub(r"\1", key) == "name"]


def _name(source: dict[str, Any]) -> str | None:
    """Gives the name of an element as far as it can be part of an id."""
    names = _names(source)
    return literals.name_of(names[0]) if names else None
