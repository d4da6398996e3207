"""Licences of dependencies, and which of them may be delivered together with MIT."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

ALLOWED: Final = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",  # asks for the sources of its own files alone
        "PSF-2.0",
        "Python-2.0",
    }
)

_CLASSIFIERS: Final = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
}


_IN_ITS_FILES: Final = {"protobuf": "BSD-3-Clause"}
"""Packages that declare no licence in their metadata, and have one in a file."""


def licences(components: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Gives the licence of each component of a CycloneDX document, as an SPDX expression where it has one."""
    return {f"{each['name']} {each['version']}": _licence(each) for each in components}


def allowed(expression: str) -> bool:
    """Tells whether an expression of licences can be met with those that are allowed.

    `A AND B` asks for both, `A OR B` for one; AND binds more tightly, and brackets are not looked into further than
    that they are there: `(MIT)` is MIT.
    """
    alternatives = expression.replace("(", "").replace(")", "").split(" OR ")
    return any(all(part.strip() in ALLOWED for part in each.split(" AND ")) for each in alternatives)


def _licence(component: Mapping[str, Any]) -> str:
    found = []
    for entry in component.get("licenses", ()):
        licence = entry.get("license", {})
        name = entry.get("expression") or licence.get("id") or licence.get("name", "")
        found.append(_CLASSIFIERS.get(name, name))
    known = [name for name in found if allowed(name)]
    return known[0] if known else " AND ".join(found) or _IN_ITS_FILES.get(component["name"], "none is declared")
