"""Tables of permissions and roles, and the JSON Schema of a policy file."""

import json
from pathlib import Path

from docs.generate.protos import ROOT
from docs.generate.tables import table
from twinfront_server.access.permissions import ROLES, Permission
from twinfront_server.access.policy_document import PolicyDocument
from twinfront_server.access.rules import RULES

POLICY_SCHEMA: Path = ROOT / "server" / "twinfront_server" / "access" / "policy.schema.json"


def permission_table() -> str:
    """The permissions: the RPCs that take them, whether for the whole graph, the roles that have them."""
    rows = []
    for permission in Permission:
        methods = [name.rpartition("/")[2] for name, rule in RULES.items() if rule.permission is permission]
        whole = any(rule.whole for rule in RULES.values() if rule.permission is permission)
        roles = [f"`{role}`" for role, permissions in ROLES.items() if permission in permissions]
        rows.append([f"`{permission}`", ", ".join(methods), "no" if whole else "yes", ", ".join(roles)])
    return table(("permission", "RPCs that take it", "within bounds", "roles that have it"), rows)


def policy_schema(_before: str) -> str:
    """The JSON Schema of a policy file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **PolicyDocument.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"
