"""The page about security: its policy, and the one to begin with, are ones that the server takes."""

from pathlib import Path

import pytest

from twinfront_server.access.file_policy import FilePolicy
from twinfront_server.access.grants import Grant
from twinfront_server.access.policy_document import parse_policy
from twinfront_server.access.policy_text import parse_yaml
from twinfront_server.access.principal import Principal
from twinfront_server.access.scope import WHOLE

from . import blocks

CHECKOUT = Path(__file__).resolve().parents[2]
PUBLISH = "twinfront.v1.TelemetryService/PublishTelemetry"
QUERY = "twinfront.v1.QueryService/QueryTwins"
GET = "twinfront.v1.DigitalTwinService/GetDigitalTwin"


def compiled(text: str) -> FilePolicy:
    return FilePolicy(parse_policy(parse_yaml(text)), {"jwt", "mtls"})


def grant(text: str, name: str, *groups: str, **claims: list[str]) -> Grant:
    return compiled(text).grant(Principal(name, "jwt", frozenset(), frozenset(groups), claims))


def test_the_policy_of_the_page_says_what_the_page_says():
    [page] = [page for page in blocks.PAGES if page.name == "security.md"]
    [block] = [block for block in blocks.blocks(page) if block.language == "yaml"]
    assert grant(block.text, "bob", "platform")[QUERY] == WHOLE
    assert PUBLISH in grant(block.text, "g", "gateways")
    alice = grant(block.text, "alice")
    assert [limit.ids for limit in alice[GET].limits] == [("plant-7-",)]
    guard = grant(block.text, "guard", tid=["acme"], department=["security"])
    assert [limit.ids for limit in guard[GET].limits] == [("plant-7-", "plant-8-")]
    assert grant(block.text, "guard", tid=["acme"]).keys() == {"twinfront.v1.PermissionService/CheckPermissions"}


@pytest.mark.parametrize("file", sorted((CHECKOUT / "deploy" / "policy").glob("*.yaml")), ids=lambda file: file.name)
def test_the_policy_to_begin_with_is_taken(file: Path):
    begun = grant(file.read_text(), "plant-7-dispatcher")
    assert [limit.ids for limit in begun[GET].limits] == [("plant-7-",)]
