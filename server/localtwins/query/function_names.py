"""The names of the functions of the language."""

from typing import Final

FUNCTION_NAMES: Final = frozenset(
    [
        "ARRAY_CONTAINS",
        "CONTAINS",
        "ENDSWITH",
        "IS_BOOL",
        "IS_DEFINED",
        "IS_NULL",
        "IS_NUMBER",
        "IS_OBJECT",
        "IS_OF_MODEL",
        "IS_PRIMITIVE",
        "IS_STRING",
        "STARTSWITH",
    ]
)
