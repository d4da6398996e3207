"""The log: one line an event on stderr, JSON for machines or coloured text for people.

What other libraries say through `logging` comes out in the same form, from WARNING up.
"""

import logging
import sys
from typing import Any, Final, Literal, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from twinfront_server.call import current_call

_OF_MANY_LINES: Final = frozenset({"exception", "stack"})


def configure_logging(log_format: Literal["auto", "console", "json"], level: str) -> None:
    """Sets up structlog and `logging` for the process.

    Args:
        log_format: `auto` is `console` if stderr is a terminal, else `json`.
        level: the least level that is logged.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    is_console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_call_id,
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
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(least, logging.WARNING), force=True)


def get_logger() -> FilteringBoundLogger:
    """The log as it is configured now, ready for quick use."""
    return cast("FilteringBoundLogger", structlog.get_logger().bind())


def _add_call_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Adds the id of the call on whose behalf something is logged, to find it by."""
    if "call_id" not in event and (call_id := current_call().call_id):
        event["call_id"] = call_id
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
