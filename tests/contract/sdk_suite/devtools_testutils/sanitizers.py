"""What keeps secrets out of recordings. Nothing is recorded here, so none of it does anything."""


def add_body_key_sanitizer(**_options: str) -> None:
    """Nothing to do."""


def add_header_regex_sanitizer(**_options: str) -> None:
    """Nothing to do."""


def add_oauth_response_sanitizer(**_options: str) -> None:
    """Nothing to do."""


def add_remove_header_sanitizer(**_options: str) -> None:
    """Nothing to do."""


def remove_batch_sanitizers(_names: list[str]) -> None:
    """Nothing to do."""
