"""The choices about the log, without the log: settings need no more of it."""

from typing import Literal

LogFormat = Literal["auto", "console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]
