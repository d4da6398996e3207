"""The schema of the chart's values, with the names of the server's settings."""

import json

from docs.generate.protos import ROOT
from twinfront_server.settings import Settings

VALUES_SCHEMA = ROOT / "deploy/helm/twinfront/values.schema.json"


def values_schema(text: str) -> str:
    """The schema as it is, with the names of all settings filled in."""
    schema = json.loads(text)
    schema["definitions"]["setting"]["enum"] = [setting.flag.removeprefix("--") for setting in Settings.describe()]
    return json.dumps(schema, indent=2) + "\n"
