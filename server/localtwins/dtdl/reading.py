"""Documents to elements, with every problem that an element shows by itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localtwins.dtdl import literals
from localtwins.dtdl.co_types import CO_TYPES, CoType
from localtwins.dtdl.context import Context, ContextError, child_context
from localtwins.dtdl.dtmi import MAX_ID, MAX_INTERFACE_ID, child_id, is_dtmi, is_reserved
from localtwins.dtdl.element import Element, ElementReference
from localtwins.dtdl.errors import Problem
from localtwins.dtdl.json_ld import flattened
from localtwins.dtdl.literals import Report
from localtwins.dtdl.metamodel import (
    DOCUMENT,
    FIELDS,
    Boolean,
    Elements,
    Field,
    Integer,
    Literal,
    LocalizableText,
    Reference,
    Text,
)
from localtwins.dtdl.vocabulary import MATERIAL_CLASSES

_CLASS = re.compile(r"dtmi:dtdl:class:([A-Za-z]+);([1-9][0-9]*)")
_PROPERTY = re.compile(r"dtmi:dtdl:property:([A-Za-z]+);([1-9][0-9]*)")
_PLAIN_KEYWORDS = {"@context", "@id", "@type"}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an element stands: in which parent's property, and what that property takes."""

    parent: Element | None
    term: str
    takes: Elements


@dataclass(frozen=True, slots=True)
class _Types:
    """What `@type` says; `undefined` tells that it holds something unknown, which DTDL 2 allows."""

    kind: str
    co_types: dict[str, CoType]
    undefined: bool


class Reader:
    """Reads documents into `elements` (by id), `references` between them and `problems`.

    `stated_ids` are all ids that are defined somewhere, of unreadable elements too.
    """

    def __init__(self) -> None:
        self.elements: dict[str, Element] = {}
        self.stated_ids: set[str] = set()
        self.references: list[ElementReference] = []
        self.problems: list[Problem] = []

    def read(self, document: object) -> None:
        """Read one item of the request."""
        if not isinstance(document, dict):
            self._report("", "notJsonObject", "Top-level JSON element is not a JSON object.")
            return
        stated = document.get("@id")
        element_id = stated if isinstance(stated, str) else ""
        try:
            context = child_context(None, document)
        except ContextError as error:
            self.problems.append(error.problem(element_id))
            return
        if "@graph" in document:
            self._report(element_id, "topLevelGraphDisallowed", "Top-level JSON object has a '@graph' property. Remove it.")
        elif "@id" not in document:
            self._report(
                "",
                "missingTopLevelId",
                "In source, top-level JSON element requires an identifer but none provided. Add an '@id' property "
                "whose value is a string that conforms to the DTMI syntax -- see "
                "https://github.com/Azure/digital-twin-model-identifier.",
            )
        elif not _is_interface(document.get("@type"), context.dtdl_version):
            self._report(element_id, "typeNotRootable", f"Top-level JSON element {element_id} does not have @type of 'Interface'.")
        else:
            self._element(document, context, _Place(None, "", DOCUMENT), "topLevelKeywordDisallowed")

    def _report(self, element: str, rule: str, message: str) -> None:
        self.problems.append(Problem(rule, message, element))

    def _element(
        self, source: dict[str, Any], context: Context, place: _Place, keyword_rule: str = "keywordDisallowed"
    ) -> Element | None:
        parent = place.parent
        near = parent.id if parent is not None else str(source.get("@id"))
        if len(source) == 1 and "@id" in source:
            self._report(near, "idReference", f"{near} property '{place.term}' has an object with nothing but an '@id'. Give the DTMI as a string.")
            return None
        if "@graph" in source:
            self._report(near, "graphDisallowed", f"{near} has a '@graph' property. Remove it.")
        if context.dtdl_version > 2:  # noqa: PLR2004 - DTDL 2 ignores unknown keywords
            for key in source:
                if key.startswith("@") and key not in _PLAIN_KEYWORDS and key != "@graph":
                    self._report(near, keyword_rule, f"{near} has the keyword '{key}', which is not allowed. Remove it.")
        if parent is not None and not place.takes.take_version(context.dtdl_version, parent.dtdl_version):
            self._report(
                near,
                "disallowedVersionDefinition",
                f"{near} property '{place.term}' has a value written in DTDL version {context.dtdl_version}, which is not "
                f"allowed inside version {parent.dtdl_version}.",
            )
        element_id = self._id(source, context, place, near)
        if element_id is None or self._is_taken(element_id, source, place):
            return None
        types = self._types(source, context, place, element_id)
        if types is None:
            return None
        if types.kind == "Interface" and len(element_id) > MAX_INTERFACE_ID:
            self._report(element_id, "idTooLongForType", f"Identifier '{element_id}' is longer than the {MAX_INTERFACE_ID} characters allowed for an Interface.")
        if types.kind == "Interface" and parent is not None:
            self._report(element_id, "inlineInterface", f"Interface {element_id} is defined inside another Interface. Define it at top level and refer to it by its id.")
        element = Element(element_id, types.kind, context.dtdl_version, parent, place.term, types.co_types)
        self.elements[element_id] = element
        self._properties(source, context, element, types)
        return element

    def _id(self, source: dict[str, Any], context: Context, place: _Place, near: str) -> str | None:
        stated = source.get("@id")
        if "@id" in source:
            if not isinstance(stated, str) or not stated:
                self._report(near, "idNotString", f"{near} has an '@id' that is not a string.")
            elif len(stated) > MAX_ID:
                self._report(stated, "idTooLong", f"Identifier '{stated}' is longer than the {MAX_ID} characters allowed.")
            elif not is_dtmi(stated, context.dtdl_version):
                self._report(stated, "invalidId", f"Identifier '{stated}' is invalid. Replace it with a valid DTMI -- see https://github.com/Azure/digital-twin-model-identifier.")
            elif is_reserved(stated):
                self._report(stated, "reservedId", f"Identifier '{stated}' has a reserved prefix, 'dtmi:dtdl:' or 'dtmi:standard:'. Choose another.")
            else:
                self.stated_ids.add(stated)
                return stated
            return None
        if place.takes.id_required or place.parent is None:
            self._report(near, "missingRequiredId", f"{near} property '{place.term}' has a value that requires an '@id' but has none.")
            return None
        if not place.takes.named:
            return child_id(near, place.term, None)
        name = next((value for key, value in source.items() if _term(key, None) == "name"), None)
        if name is None:
            self._report(near, "missingDtmiSegPropertyValue", f"{near} property '{place.term}' has an element without 'name'.")
            return None
        key = literals.single(name, "string", "name", lambda rule, message: None, restrict_keywords=False)
        if type(key) not in {str, int, float}:
            self._report(near, "dtmiSegPropertyNotStringOrNumber", f"{near} property '{place.term}' has an element whose 'name' is not a string.")
            return None
        return child_id(near, place.term, str(key))

    def _is_taken(self, element_id: str, source: dict[str, Any], place: _Place) -> bool:
        if element_id not in self.elements:
            return False
        if "@id" in source or place.parent is None:
            self._report(element_id, "duplicateDefinition", f"{element_id} has more than one definition. Remove all but one.")
        else:
            self._report(place.parent.id, "nonUniquePropertyValue", f"{place.parent.id} property '{place.term}' contains more than one element with the same name.")
        return True

    def _types(self, source: dict[str, Any], context: Context, place: _Place, element_id: str) -> _Types | None:
        stated = source.get("@type")
        if "@type" not in source:
            names: list[Any] = [place.takes.inferred] if place.takes.inferred is not None else []
        else:
            names = stated if isinstance(stated, list) else [stated]
        kinds: set[str] = set()
        co_types: dict[str, CoType] = {}
        undefined = False
        failed = False
        for name in names:
            rule, kind, dtmi = _classify(name, context, place.takes)
            if rule is not None:
                self._report(element_id, rule, f"{element_id} has @type '{name}', which may not stand there. Remove or replace it.")
                failed = True
            elif kind is not None:
                kinds.add(kind)
            elif dtmi is not None:
                co_types[dtmi] = CO_TYPES[dtmi]
            else:
                undefined = True
        if failed:
            return None
        if not kinds:
            self._report(element_id, "badType", f"{element_id} does not have @type of {_alternatives(place.takes.inline)}.")
            return None
        if len(kinds) > 1:
            self._report(element_id, "multipleMaterialTypes", f"{element_id} has more than one of the types {' and '.join(sorted(kinds))}.")
            return None
        kind = kinds.pop()
        self._check_co_types(co_types, kind, context, element_id)
        return _Types(kind, co_types, undefined)

    def _check_co_types(self, co_types: dict[str, CoType], kind: str, context: Context, element_id: str) -> None:
        brought: dict[str, str] = {}
        for co_type in co_types.values():
            if kind not in co_type.kinds:
                self._report(element_id, "invalidCotype", f"{element_id} has @type {co_type.name}, which may be put on {_alternatives(co_type.kinds)} only.")
            elif co_type.dtdl_version != context.dtdl_version:
                self._report(element_id, "invalidCotypeVersion", f"{element_id} has @type {co_type.name}, which needs DTDL version {co_type.dtdl_version}.")
            if co_type.requires is not None and co_type.requires not in co_types:
                self._report(element_id, "missingCocotype", f"{element_id} has @type {co_type.name} without {CO_TYPES[co_type.requires].name}. Add it.")
            for dtmi in co_type.properties:
                other = brought.setdefault(dtmi, co_type.name)
                if other != co_type.name:
                    self._report(element_id, "conflictingSupplementalTypes", f"{element_id} has types {other} and {co_type.name}, of which only one is allowed.")

    def _properties(self, source: dict[str, Any], context: Context, element: Element, types: _Types) -> None:
        own = FIELDS[element.dtdl_version][element.kind]
        brought: Mapping[str, Field] = {dtmi: field for co_type in types.co_types.values() for dtmi, field in co_type.properties.items()}
        seen: set[str] = set()
        for key, value in source.items():
            if key.startswith("@"):
                continue
            term = _term(key, element.dtdl_version)
            field = own.get(term)
            if field is None and brought:
                term = context.dtmi(key) or key
                field = brought.get(term)
            if field is None:
                if not types.undefined or element.dtdl_version > 2:  # noqa: PLR2004 - DTDL 2 allows what unknown types may bring
                    rule = "noTypeThatAllows" if element.dtdl_version == 2 else "propertyUndefinedTerm"  # noqa: PLR2004
                    self._report(element.id, rule, f"{element.id} does not have a @type that allows property '{key}'. Remove it or correct it if misspelled.")
            elif term in seen:
                self._report(element.id, "duplicatePropertyName", f"{element.id} has property '{key}' under two names.")
            else:
                self._value(value, context, element, key, term, field)
            seen.add(term)
        for term, wanted in (*own.items(), *brought.items()):
            if term not in seen and is_required(wanted):
                supplemental = "Supplemental" if term in brought else ""
                rule = f"missing{supplemental}{'Object' if isinstance(wanted, Elements) else 'Literal'}Property"
                self._report(element.id, rule, f"{element.id} is missing the required property '{term.rpartition(':')[2]}'. Add it.")

    def _value(self, value: Any, context: Context, element: Element, key: str, term: str, field: Field) -> None:
        def report(rule: str, message: str) -> None:
            self._report(element.id, rule, f"{element.id} {message}")

        restrict = element.dtdl_version > 2  # noqa: PLR2004 - as above
        if isinstance(field, Elements):
            element.children[term] = self._elements(value, context, _Place(element, term, field), report)
        elif isinstance(field, LocalizableText):
            literals.localizable(value, key, field.max_length, report, restrict_keywords=restrict)
        elif isinstance(field, Reference):
            target = _reference(value, context, key, report)
            if target is not None:
                element.literals[term] = target
        elif value != [] or is_required(field):
            found = _literal(value, key, field, report, restrict_keywords=restrict)
            if found is not None:
                element.literals[term] = found

    def _elements(self, value: Any, context: Context, place: _Place, report: Report) -> list[str]:
        ids: list[str] = []
        for item in flattened(value):
            if not place.takes.plural and ids:
                report("objectMultipleValues", f"property '{place.term}' has multiple values but only one is allowed.")
                break
            found = self._element_or_reference(item, context, place, report)
            if found is not None:
                ids.append(found)
        if len(ids) < place.takes.minimum:
            report("objectCountBelowMin", f"property '{place.term}' has {len(ids)} valid values but {place.takes.minimum} is required.")
        return ids

    def _element_or_reference(self, item: Any, context: Context, place: _Place, report: Report) -> str | None:
        assert place.parent is not None  # noqa: S101 - only documents stand in no parent
        if isinstance(item, dict):
            try:
                element = self._element(item, child_context(context, item), place)
            except ContextError as error:
                self.problems.append(error.problem(place.parent.id))
                return None
            return element.id if element is not None else None
        if not isinstance(item, str):
            report("refNotStringOrObject", f"property '{place.term}' has a value that is neither a string nor a JSON object.")
            return None
        target = context.dtmi(item)
        if target is None:
            report("badDtmiOrTerm", f"property '{place.term}' has value '{item}' that is neither a valid DTMI reference nor a DTDL v{context.dtdl_version} term.")
            return None
        self.references.append(ElementReference(place.parent, place.term, target, place.takes))
        return target


def _is_interface(stated: object, version: int) -> bool:
    names = stated if isinstance(stated, list) else [stated]
    return any(name in {"Interface", f"dtmi:dtdl:class:Interface;{version}"} for name in names if isinstance(name, str))


def _term(key: str, version: int | None) -> str:
    match = _PROPERTY.fullmatch(key)
    return match[1] if match is not None and (version is None or match[2] == str(version)) else key


def _classify(name: Any, context: Context, takes: Elements) -> tuple[str | None, str | None, str | None]:
    """Give (broken rule, class, co-type) for one value of `@type`, all None for an undefined one."""
    if not isinstance(name, str):
        return "typeNotString", None, None
    match = _CLASS.fullmatch(name)
    kind = match[1] if match is not None and match[2] == str(context.dtdl_version) else name
    if kind in takes.inline:
        return None, kind, None
    if (match[1] if match is not None else name) in MATERIAL_CLASSES:
        return "badType", None, None
    dtmi = context.dtmi(name)
    if dtmi in CO_TYPES:
        return None, None, dtmi
    if dtmi is not None:
        return ("typeIrrelevantDtmiOrTerm" if context.complete else None), None, None
    if name.startswith("dtmi:"):
        return "typeInvalidDtmi", None, None
    return ("typeUndefinedTerm" if context.dtdl_version > 2 else None), None, None  # noqa: PLR2004 - as above


def _alternatives(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds)) if kinds else "a standard element, which is to be given by its term"


def _reference(value: Any, context: Context, key: str, report: Report) -> str | None:
    values = flattened(value)
    if len(values) != 1:
        if values:
            report("identifierMultipleValues", f"property '{key}' has multiple values but only one is allowed.")
        return None
    if not isinstance(values[0], str):
        report("identifierNotString", f"property '{key}' has a value that is not a string. Give a DTMI.")
        return None
    target = context.dtmi(values[0])
    if target is None:
        report("identifierNotDtmi", f"property '{key}' has value '{values[0]}' that is neither a valid DTMI nor a term.")
    return target


def is_required(field: Field) -> bool:
    """Whether an element must have the property."""
    if isinstance(field, Elements):
        return field.minimum > 0
    return isinstance(field, Literal) or (isinstance(field, Text | Reference) and field.required)


def _literal(
    value: Any, key: str, field: Text | Boolean | Integer | Literal, report: Report, *, restrict_keywords: bool
) -> object:
    kinds = {Text: "string", Boolean: "boolean", Integer: "integer", Literal: "literal"}
    found = literals.single(value, kinds[type(field)], key, report, restrict_keywords=restrict_keywords)
    if found is None:
        return None
    if isinstance(field, Boolean):
        return literals.boolean(found, key, report)
    if isinstance(field, Integer):
        return literals.integer(found, key, field.minimum, field.maximum, report)
    if isinstance(field, Literal):
        return literals.literal(found, key, report)
    words = literals.text(found, key, field.max_length, report)
    if words is not None and field.is_name:
        return literals.name(words, key, report)
    return words
