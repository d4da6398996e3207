"""Reads the service config of the stubs: how often calls are retried, and how long they may take."""

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def channel_service_config() -> str:
    """Gives the config as the channel takes it: everything but the timeouts.

    The channel would cut each call at them even if the caller gave it longer, does not tell the server of them, and
    ends calls up to a second early (grpc/grpc#34547). The client sets them itself, as the deadline of calls without a
    `timeout`.
    """
    config = _shipped()
    for group in config["methodConfig"]:
        group.pop("timeout", None)
    return json.dumps(config)


@cache
def default_timeout(method: str) -> float | None:
    """Gives the seconds for a call of the method (`CreateModels`) if the caller does not say; None without bound."""
    for group in _shipped()["methodConfig"]:
        if any(name["method"] == method for name in group["name"]):
            return float(group["timeout"].removesuffix("s")) if "timeout" in group else None
    raise LookupError(f"the service config does not name {method}")


def _shipped() -> dict[str, Any]:
    config: dict[str, Any] = json.loads((files("twinfront.v1") / "twinfront_service_config.json").read_text())
    return config
