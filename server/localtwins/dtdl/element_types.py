"""`@type`: the DTDL class of an element and the co-types beside it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from localtwins.dtdl.co_types import CO_TYPES, CoType
from localtwins.dtdl.context import Context
from localtwins.dtdl.errors import shown
from localtwins.dtdl.literals import Report
from localtwins.dtdl.metamodel import Elements, Field
from localtwins.dtdl.vocabulary import MATERIAL_CLASSES

_CLASS: Final = re.compile(r"dtmi:dtdl:class:([A-Za-z]+);([1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class ElementTypes:
    """Holds the class and the co-types that an `@type` names.

    Attributes:
        has_unknown: true if it also names types that nothing defines, which DTDL 2 lets pass.
    """

    kind: str
    co_types: Mapping[str, CoType]
    has_unknown: bool

    @property
    def properties(self) -> Mapping[str, Field]:
        """Gives the properties that the co-types bring, by full DTMI."""
        return {dtmi: field for co_type in self.co_types.values() for dtmi, field in co_type.properties.items()}


_PLAIN: Final = {kind: ElementTypes(kind, {}, has_unknown=False) for kind in MATERIAL_CLASSES}
"""The types of elements that name nothing but their class."""


def is_interface(stated: object, dtdl_version: int) -> bool:
    """Tells whether a top-level element's `@type` makes it an Interface."""
    names = stated if isinstance(stated, list) else [stated]
    return any(
        name in {"Interface", f"dtmi:dtdl:class:Interface;{dtdl_version}"} for name in names if isinstance(name, str)
    )


def read_types(source: dict[str, Any], context: Context, takes: Elements, report: Report) -> ElementTypes | None:
    """Reads an element's `@type`; reports what is wrong and gives None if that leaves the element's class open."""
    stated = source.get("@type", takes.inferred or [])
    if type(stated) is str and stated in takes.inline:
        return _PLAIN[stated]
    kinds: set[str] = set()
    co_types: dict[str, CoType] = {}
    has_unknown = False
    is_broken = False
    for name in stated if isinstance(stated, list) else [stated]:
        rule, kind, dtmi = _classify(name, context, takes)
        if rule is not None:
            report(rule, f"has @type '{shown(str(name))}', which may not stand there. Remove or replace it.")
            is_broken = True
        elif kind is not None:
            kinds.add(kind)
        elif dtmi is not None:
            co_types[dtmi] = CO_TYPES[dtmi]
        else:
            has_unknown = True
    if is_broken:
        return None
    if len(kinds) != 1:
        if kinds:
            report(
                "multipleMaterialTypes", f"has {' and '.join(sorted(kinds))} as types, of which only one is allowed."
            )
        else:
            report("badType", f"does not have @type of {_alternatives(takes.inline)}.")
        return None
    kind = kinds.pop()
    _check_co_types(co_types, kind, context, report)
    return ElementTypes(kind, co_types, has_unknown)


def _classify(name: Any, context: Context, takes: Elements) -> tuple[str | None, str | None, str | None]:
    """Gives (broken rule, class, co-type) for one value of `@type`, all None for an unknown one."""
    if not isinstance(name, str):
        return "typeNotString", None, None
    if name in takes.inline:
        return None, name, None
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
    return ("typeUndefinedTerm" if context.is_strict else None), None, None


def _check_co_types(co_types: Mapping[str, CoType], kind: str, context: Context, report: Report) -> None:
    brought: dict[str, str] = {}
    for co_type in co_types.values():
        name = co_type.name
        if kind not in co_type.kinds:
            report("invalidCotype", f"has @type {name}, which may be put on {_alternatives(co_type.kinds)} only.")
        elif co_type.dtdl_version != context.dtdl_version:
            report("invalidCotypeVersion", f"has @type {name}, which needs DTDL version {co_type.dtdl_version}.")
        if co_type.requires is not None and co_type.requires not in co_types:
            report("missingCocotype", f"has @type {name} without {CO_TYPES[co_type.requires].name}. Add it.")
        for dtmi in co_type.properties if co_type.unit_group is not None else ():
            other = brought.setdefault(dtmi, name)
            if other != name:
                report("conflictingSupplementalTypes", f"has types {other} and {name}, of which only one is allowed.")


def _alternatives(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds)) if kinds else "a standard element, which is to be given by its term"
