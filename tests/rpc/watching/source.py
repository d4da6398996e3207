"""The upstreams whose changes are watched: what each of them needs, and what it does not tell."""

from dataclasses import dataclass

from twinfront_server.settings import Settings


@dataclass(frozen=True)
class Source:
    """An upstream that is running.

    Attributes:
        settings: of a server before it.
        tells_models: whether it tells of models.
        tells_jobs: whether it tells of what jobs write.
        tells_etags: whether changes have etags.
        is_exact: whether pages of the state say which changes they have in them.
    """

    settings: Settings
    tells_models: bool = True
    tells_jobs: bool = True
    tells_etags: bool = True
    is_exact: bool = True
