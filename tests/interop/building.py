"""What takes long to build, built one after the other in the background while other tests run."""

from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor


class Builds:
    """Builds, begun in this order when this is made.

    Args:
        builds: each under the key by which it is waited for.
    """

    def __init__(self, builds: Mapping[Hashable, Callable[[], object]]) -> None:
        self._pool = ThreadPoolExecutor(1, "builds")
        self._builds: dict[Hashable, Future[object]] = {key: self._pool.submit(build) for key, build in builds.items()}

    def wait_for(self, key: Hashable) -> None:
        """Waits for a build; raises what it raised. Nothing to wait for is fine too."""
        if key in self._builds:
            self._builds[key].result()

    def has_succeeded(self, key: Hashable) -> bool:
        """Waits for a build; whether it was begun and has not failed."""
        return key in self._builds and self._builds[key].exception() is None

    def stop(self) -> None:
        """Begins no more of them."""
        self._pool.shutdown(wait=False, cancel_futures=True)
