"""The log of both programs: one line an event on stderr, JSON for machines or coloured text for people.

What other libraries say through `logging` comes out in the same form, from WARNING up. So does what localtwins says,
which others embed as well: `library_logger`.
"""

import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from twinfront_program.log_options import LogFormat, LogLevel

Log = FilteringBoundLogger

_OF_MANY_LINES: Final = frozenset({"exception", "stack"})
_FIELDS: Final = "structlog_fields"
"""The attribute of a record of `logging` that keeps apart what `library_logger` was told."""


def configure_logging(log_format: LogFormat, level: LogLevel, context: Callable[[], Mapping[str, str]] = dict) -> None:
    """Sets up structlog and `logging` for the process.

    Args:
        log_format: `auto` is `console` if stderr is a terminal, else `json`.
        level: the least level that is logged.
        context: gives what to add to an event: on whose behalf it is logged.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    is_console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())

    def add_context(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        for name, value in context().items():
            event.setdefault(name, value)
        return event

    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_context,
    ]
    rendering: list[Processor]
    if is_console:
        rendering = [
            structlog.processors.format_exc_info,
            _escape_controls,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    else:
        rendering = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_json)]

    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=_StderrLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_take_fields, structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(least, logging.WARNING), force=True)


def get_logger() -> Log:
    """Gives the log as it is configured now, ready for quick use."""
    return cast("Log", structlog.get_logger().bind())


def library_logger(name: str) -> Log:
    """Gives the log of a module that other people's programs embed too.

    It goes through `logging`, and so where the program has its log: in the format of `configure_logging`, or as plain
    text with the fields behind the event, such as `delivery works again endpoint='floor 1' failures=3`.
    """
    return cast(
        "Log",
        structlog.wrap_logger(
            logging.getLogger(name),
            processors=[structlog.stdlib.filter_by_level, _as_record],
            wrapper_class=structlog.stdlib.BoundLogger,
        ),
    )


class _StderrLogger(structlog.WriteLogger):
    """Writes lines to stderr; one that cannot be written, since nobody reads any more, harms no call."""

    def __init__(self, *_names: str) -> None:
        super().__init__(sys.stderr)

    def msg(self, message: str) -> None:
        """Writes a line."""
        with suppress(OSError):
            super().msg(message)

    debug = info = warning = error = critical = log = msg


def _as_record(_logger: WrappedLogger, _method: str, event: EventDict) -> tuple[tuple[str], dict[str, Any]]:
    """Makes the arguments of a call of `logging`."""
    text = str(event.pop("event"))
    exc_info = event.pop("exc_info", None)
    fields = "".join(f" {name}={value!r}" for name, value in event.items())
    return (f"{text}{fields}",), {"exc_info": exc_info, "extra": {_FIELDS: {"event": text, **event}}}


def _take_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Takes what `_as_record` kept apart in place of the text that it made."""
    event.update(getattr(event["_record"], _FIELDS, {}))
    return event


def _escape_controls(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keeps what a caller wrote, the name of a method or the text of an exception, from steering the terminal.

    JSON escapes such characters by itself; and what is no text is shown in Python's notation, which does so as well.
    """
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            kept = "\n" if key in _OF_MANY_LINES else ""
            event[key] = "".join(each if each.isprintable() or each in kept else _escaped(each) for each in value)
    return event


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _json(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=str).decode()
