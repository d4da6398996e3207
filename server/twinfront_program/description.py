"""Settings as help and docs tell of them."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Description:
    """One setting, for help and docs.

    Attributes:
        name: the field's name.
        flag: its flag.
        variable: its environment variable.
        default: as it would be written on the command line; empty for none.
        takes: what kind of value, as help writes it: FILE, TIME, N; empty for switches.
        choices: the words it takes, if it takes only some.
        is_switch: whether it is on or off.
        is_repeatable: whether its flag can be given several times.
        is_secret: whether its value is to be shown nowhere.
        group: under which it is listed.
        help: a sentence.
    """

    name: str
    flag: str
    variable: str
    default: str
    takes: str
    choices: tuple[str, ...]
    is_switch: bool
    is_repeatable: bool
    is_secret: bool
    group: str
    help: str


def by_group(settings: Iterable[Description]) -> dict[str, list[Description]]:
    """Gives settings by their groups, in order."""
    groups: dict[str, list[Description]] = {}
    for described in settings:
        groups.setdefault(described.group, []).append(described)
    return groups


def written(value: object, *, is_duration: bool) -> str:
    """Gives a value as it would be written on the command line; empty for none."""
    match value:
        case None:
            return ""
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:g}s" if is_duration else f"{value:g}"
        case dict():
            return ",".join(f"{name}={each}" for name, each in value.items())
        case _:
            return str(value)
