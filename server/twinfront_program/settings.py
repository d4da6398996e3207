"""Declares a setting once: its field is the flag, the variable, the default, the line of help and the row in the docs.

    class Settings(ProgramSettings):
        prefix = "TWINFRONT_"

        drain_grace: Seconds = setting(30.0, "serving", "On SIGTERM, time for calls in flight to finish.")

is the flag `--drain-grace` and the variable `TWINFRONT_DRAIN_GRACE`. A flag goes before a variable, a variable before
the default.
"""

import difflib
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Self, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from twinfront_program.address import Address
from twinfront_program.description import Description, written
from twinfront_program.durations import DURATION
from twinfront_program.startup_error import StartupError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def setting(default: Any, group: str, text: str, *, takes: str = "", secret: bool = False) -> Any:
    """Declares a field.

    Args:
        default: its value where nothing else gives one.
        group: under which help and docs list it.
        text: its help: a sentence.
        takes: the word that help has for its value, if its type does not say it.
        secret: whether the value is to be shown nowhere.
    """
    extra: JsonDict = {"group": group, "takes": takes, "secret": secret}
    return Field(default=default, description=text, repr=not secret, json_schema_extra=extra)


def listed(value: str | None) -> list[str]:
    """Gives the items of a list with commas between."""
    return [item.strip() for item in value.split(",")] if value else []


def joined(value: object) -> object:
    """Gives the list that a flag given several times is as one with commas between."""
    return ",".join(map(str, value)) if isinstance(value, list) else value


REPEATABLE: Final = "repeatable"
"""The mark of a setting whose flag can be given several times; it is then given a list of texts."""

Listed = Annotated[str | None, BeforeValidator(joined), REPEATABLE]
"""A setting that is a list: with commas between, or from a flag that is given several times."""


def several_of(*names: str) -> Callable[[str], str]:
    """Makes what checks a setting that is a list of some names, or of no name: 'none'."""

    def checked(value: str) -> str:
        given = listed(value)
        if unknown := [name for name in given if name not in {*names, "none"}]:
            raise ValueError(f"{unknown[0]!r} is none of {', '.join(names)} and none")
        if not given or ("none" in given and len(given) > 1):
            raise ValueError(f"give one of {', '.join(names)}, several of them with commas between, or 'none' alone")
        return ",".join(dict.fromkeys(given))

    return checked


def _checked_address(text: str) -> str:
    return str(Address.parse(text))


ListenAddress = Annotated[str, AfterValidator(_checked_address)]
"""A setting that is an address to listen on."""

Origin = Literal["flag", "variable", "default"]


class ProgramSettings(BaseModel):
    """The settings of a program; each field is declared with `setting`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    prefix: ClassVar[str]
    """The beginning of the names of its variables."""

    of_others: ClassVar[frozenset[str]] = frozenset()
    """Names after the prefix of variables that somebody else reads."""

    @classmethod
    def load(cls, flags: Mapping[str, object], environ: Mapping[str, str] | None = None) -> Self:
        """Gives the settings: flags by the names of fields, before variables, before defaults.

        Raises:
            StartupError: if one is not sound; the text names the flag or variable that gave it.
        """
        try:
            return cls.model_validate({**cls._from_variables(environ), **flags})
        except ValidationError as error:
            raise StartupError("; ".join(cls._told(problem, flags) for problem in error.errors())) from None

    @classmethod
    def origins(cls, flags: Mapping[str, object], environ: Mapping[str, str] | None = None) -> dict[str, Origin]:
        """Gives what each setting comes from, by the name of its field."""
        variables = cls._from_variables(environ)
        return {
            name: "flag" if name in flags else "variable" if name in variables else "default"
            for name in cls.model_fields
        }

    @classmethod
    def describe(cls) -> list[Description]:
        """Gives all settings, in the order of the class."""
        return [_description(cls, name, field) for name, field in cls.model_fields.items()]

    @classmethod
    def unknown_variables(cls, environ: Mapping[str, str] | None = None) -> list[str]:
        """Gives a line for each variable that looks like a setting and is none, with what was probably meant."""
        known = [name.upper() for name in (*cls.model_fields, *cls.of_others)]
        lines = []
        for variable in sorted(os.environ if environ is None else environ):
            name = variable.upper().removeprefix(cls.prefix)
            if name != variable.upper() and name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                meant = f"; did you mean {cls.prefix}{close[0]}?" if close else ""
                lines.append(f"{variable} is no setting of the server{meant}")
        return lines

    @classmethod
    def _from_variables(cls, environ: Mapping[str, str] | None) -> dict[str, str]:
        """Gives the texts of the variables that are set; an empty one is as good as none, and case does not matter."""
        given = os.environ if environ is None else environ
        texts = {name.upper(): text for name, text in given.items() if text}
        return {name: texts[variable] for name in cls.model_fields if (variable := cls._variable(name)) in texts}

    @classmethod
    def _variable(cls, name: str) -> str:
        return cls.prefix + name.upper()

    @classmethod
    def _told(cls, problem: "ErrorDetails", flags: Mapping[str, object]) -> str:
        text = problem["msg"].removeprefix("Value error, ")
        if not problem["loc"]:
            return text
        name = str(problem["loc"][0])
        return f"{_flag(name) if name in flags else cls._variable(name)}: {text}"


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _description(settings: type[ProgramSettings], name: str, field: FieldInfo) -> Description:
    extra = field.json_schema_extra
    assert isinstance(extra, dict)  # noqa: S101  (setting() put it there)
    is_duration = DURATION in field.metadata
    kind = "TIME" if is_duration else "N" if field.annotation in {int, int | None, float} else "TEXT"
    is_switch = field.annotation is bool
    return Description(
        name=name,
        flag=_flag(name),
        variable=settings._variable(name),  # noqa: SLF001  (its own module)
        default=written(field.default, is_duration=is_duration),
        takes="" if is_switch else str(extra["takes"]) or kind,
        choices=get_args(field.annotation) if get_origin(field.annotation) is Literal else (),
        is_switch=is_switch,
        is_repeatable=REPEATABLE in field.metadata,
        is_secret=bool(extra["secret"]),
        group=str(extra["group"]),
        help=field.description or "",
    )
