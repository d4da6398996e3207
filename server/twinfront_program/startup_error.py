"""The error that keeps a program from starting."""


class StartupError(Exception):
    """Keeps a program from starting; its text tells the operator why and what to do."""
