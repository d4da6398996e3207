"""Model ids as IS_OF_MODEL compares them: a name, and a version that orders the ids of one name."""

import re
from typing import Final

_VERSIONED: Final = re.compile(r"(?P<name>.*);(?P<major>[1-9][0-9]{0,8})(?:\.(?P<minor>[1-9][0-9]{0,5}))?", re.DOTALL)
_MINOR_VERSIONS: Final = 1_000_000


def name_and_version(model_id: str) -> tuple[str, int]:
    """Gives a DTMI without its version, and the version as one number, 0 for none."""
    found = _VERSIONED.fullmatch(model_id)
    if found is None:
        return model_id, 0
    return found["name"], int(found["major"]) * _MINOR_VERSIONS + int(found["minor"] or 0)
