"""The log of both programs: one line an event on stderr, JSON for machines or coloured text for people.

What other libraries say through `logging` comes out in the same form, from WARNING up. So does what localtwins says,
which others embed as well: `library_logger`. Events of which there are many have their lines written together:
`frequent_event`.
"""

import atexit
import logging
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from twinfront_program.gathered_lines import GatheredLines, as_json
from twinfront_program.log_options import LogFormat, LogLevel

Log = FilteringBoundLogger

LogEvent = Callable[[int, dict[str, Any]], None]
"""Logs an event, with its level and its fields, which nobody changes any more."""

_OF_MANY_LINES: Final = frozenset({"exception", "stack"})
_LINES: Final = "gathered_lines"
"""The attribute of loggers that has what lines are gathered by."""

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

    lines = GatheredLines(sys.stderr)
    atexit.register(lines.finish)
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
        wrapper_class=_bound_logger(least, None if is_console else lines),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", lines)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(lines)
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


def frequent_event(log: Log, event: str) -> LogEvent:
    """Gives what logs an event of which there are many, within an event loop.

    As JSON its lines are written together with those of the next moment. Its fields have to say on whose behalf it is
    logged: the context is not asked.
    """
    lines: GatheredLines | None = getattr(log, _LINES, None)
    if lines is not None and not structlog.get_context(log):
        return partial(lines.add, event)
    return lambda level, fields: log.log(level, event, **fields)


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


def _bound_logger(least: int, lines: GatheredLines | None) -> type[FilteringBoundLogger]:
    """Makes the class of loggers that log from a level up, and know where lines are gathered, if they are."""
    kind = structlog.make_filtering_bound_logger(least)
    return type(kind.__name__, (kind,), {_LINES: lines})


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


def _json(event: Mapping[str, Any], **_options: Any) -> str:
    return as_json(event)
