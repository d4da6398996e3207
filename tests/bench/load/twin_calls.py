"""Calls that the SDK and the client of the package make by methods of the same names."""

from collections.abc import Callable
from typing import Any

from workload import TWINS, name_of, patch_json, twin_json

from load.job import BlockingCall


def twin_calls(client: Any, put: Callable[[str, dict[str, Any]], object]) -> dict[str, BlockingCall]:
    """Gives the calls about one twin.

    Args:
        client: has the methods.
        put: its method that creates or replaces a twin, which has another name in each.
    """

    def get(number: int) -> int:
        client.get_digital_twin(name_of(number % TWINS))
        return 1

    def update(number: int) -> int:
        client.update_digital_twin(name_of(number % TWINS), patch_json(number + 0.5))
        return 1

    def create(number: int) -> int:
        at = TWINS + number % TWINS
        put(name_of(at), twin_json(at, float(number)))
        return 1

    return {"get": get, "update 3 properties": update, "create or replace": create}
