"""What can be chosen about the log; apart from it, since settings need no more."""

from typing import Literal

LogFormat = Literal["auto", "console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]
