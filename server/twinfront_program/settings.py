"""Declares a setting once: its field is the flag, the variable, the default, the line of help and the row in the docs.

    class Settings(ProgramSettings):
        prefix = "TWINFRONT_"

        drain_grace: Seconds = setting(30.0, "serving", "On SIGTERM, time for calls in flight to finish.")

is the flag `--drain-grace` and the variable `TWINFRONT_DRAIN_GRACE`. A flag goes before a variable, a variable before
the default.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    NoReturn,
    Self,
    dataclass_transform,
    get_args,
    get_origin,
)

from twinfront_program.address import Address
from twinfront_program.description import Description, written
from twinfront_program.durations import DURATION
from twinfront_program.startup_error import StartupError
from twinfront_program.values import After, Before, declared, reader


@dataclass(frozen=True, slots=True)
class _Field:
    """A field, as `setting` declares it."""

    default: Any
    group: str
    text: str
    takes: str
    secret: bool


def setting(default: Any, group: str, text: str, *, takes: str = "", secret: bool = False) -> Any:
    """Declares a field.

    Args:
        default: its value where nothing else gives one.
        group: under which help and docs list it.
        text: its help: a sentence.
        takes: the word that help has for its value, if its type does not say it.
        secret: whether the value is to be shown nowhere.
    """
    return _Field(default, group, text, takes, secret)


def listed(value: str | None) -> list[str]:
    """Gives the items of a list with commas between."""
    return [item.strip() for item in value.split(",")] if value else []


def joined(value: object) -> object:
    """Gives the list that a flag given several times is as one with commas between."""
    return ",".join(map(str, value)) if isinstance(value, list) else value


REPEATABLE: Final = "repeatable"
"""The mark of a setting whose flag can be given several times; it is then given a list of texts."""

Listed = Annotated[str | None, Before(joined), REPEATABLE]
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


ListenAddress = Annotated[str, After(_checked_address)]
"""A setting that is an address to listen on."""

Origin = Literal["flag", "variable", "default"]


class SettingsError(ValueError):
    """Settings that cannot be.

    Attributes:
        problems: each field, or none if several of them do not go together, and what is wrong with it.
    """

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name}: {text}" if name else text for name, text in problems))
        self.problems = problems


@dataclass_transform(kw_only_default=True, frozen_default=True)
class ProgramSettings:
    """The settings of a program; each field is declared with `setting`.

    What is given is read as the type of its field says, and SettingsError tells all that is not sound. Defaults are
    taken as they are.

    Attributes:
        given: the names of those that did not come from their defaults.
    """

    prefix: ClassVar[str]
    """The beginning of the names of its variables."""

    of_others: ClassVar[frozenset[str]] = frozenset()
    """Names after the prefix of variables that somebody else reads."""

    defaults: ClassVar[Mapping[str, Any]]
    """The defaults by the names of the fields, in the order of the class."""

    _fields: ClassVar[Mapping[str, _Field]]

    given: frozenset[str]

    def __init_subclass__(cls) -> None:
        cls._fields = {name: each for name, each in vars(cls).items() if isinstance(each, _Field)}
        cls.defaults = {name: each.default for name, each in cls._fields.items()}

    def __init__(self, **given: Any) -> None:
        values, problems = dict(self.defaults), []
        for name in self._fields:
            if name in given:
                try:
                    values[name] = reader(self.__annotations__[name])(given[name])
                except ValueError as error:
                    problems.append((name, str(error)))
        problems += [(name, "Extra inputs are not permitted") for name in given if name not in self._fields]
        if problems:
            raise SettingsError(problems)
        vars(self).update(values, given=frozenset(given))
        try:
            self._check_together()
        except ValueError as error:
            raise SettingsError([("", str(error))]) from None

    def _check_together(self) -> None:
        """Checks settings against each other; for those classes that have something to check.

        Raises:
            ValueError: if they do not go together.
        """

    def changed(self, **fields: Any) -> Self:
        """Gives these settings with some of them changed."""
        return self.of({name: getattr(self, name) for name in self.given} | fields)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"settings do not change: {name}")

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name, field in self._fields.items() if not field.secret)
        return f"{type(self).__name__}({', '.join(shown)})"

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Gives the settings of which some are given, by the names of fields, as values or as texts.

        Raises:
            SettingsError: if something is not sound.
        """
        return cls(**given)

    @classmethod
    def load(cls, flags: Mapping[str, object], environ: Mapping[str, str] | None = None) -> Self:
        """Gives the settings: flags by the names of fields, before variables, before defaults.

        Raises:
            StartupError: if one is not sound; the text names the flag or variable that gave it.
        """
        try:
            return cls.of({**cls._from_variables(environ), **flags})
        except SettingsError as error:
            raise StartupError("; ".join(cls._told(*problem, flags) for problem in error.problems)) from None

    @classmethod
    def origins(cls, flags: Mapping[str, object], environ: Mapping[str, str] | None = None) -> dict[str, Origin]:
        """Gives what each setting comes from, by the name of its field."""
        variables = cls._from_variables(environ)
        return {
            name: "flag" if name in flags else "variable" if name in variables else "default" for name in cls._fields
        }

    @classmethod
    def describe(cls) -> list[Description]:
        """Gives all settings, in the order of the class."""
        return [cls._description(name, field) for name, field in cls._fields.items()]

    @classmethod
    def unknown_variables(cls, environ: Mapping[str, str] | None = None) -> list[str]:
        """Gives a line for each variable that looks like a setting and is none, with what was probably meant."""
        import difflib  # noqa: PLC0415  (to be imported where there is something to compare)

        known = [name.upper() for name in (*cls._fields, *cls.of_others)]
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
        return {name: texts[variable] for name in cls._fields if (variable := cls._variable(name)) in texts}

    @classmethod
    def _variable(cls, name: str) -> str:
        return cls.prefix + name.upper()

    @classmethod
    def _told(cls, name: str, text: str, flags: Mapping[str, object]) -> str:
        if not name:
            return text
        return f"{_flag(name) if name in flags else cls._variable(name)}: {text}"

    @classmethod
    def _description(cls, name: str, field: _Field) -> Description:
        annotation, marks = declared(cls.__annotations__[name])
        is_duration = DURATION in marks
        kind = "TIME" if is_duration else "N" if annotation in {int, int | None, float} else "TEXT"
        is_switch = annotation is bool
        return Description(
            name=name,
            flag=_flag(name),
            variable=cls._variable(name),
            default=written(field.default, is_duration=is_duration),
            takes="" if is_switch else field.takes or kind,
            choices=get_args(annotation) if get_origin(annotation) is Literal else (),
            is_switch=is_switch,
            is_repeatable=REPEATABLE in marks,
            is_secret=field.secret,
            group=field.group,
            help=field.text,
        )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
