"""What a policy file permits whom."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from twinfront_server.access import policy_document
from twinfront_server.access.scope import WHOLE, Limit, Scope

from .policies import NOTHING, READ, WRITE, policy, principal, scope

NAMED = """
version: 1
bindings:
  - role: reader
    to: {principals: ["jwt:alice", "mtls:spiffe://acme/probe"]}
"""


def test_a_principal_that_is_named_has_the_role():
    assert scope(policy(NAMED), principal("alice")) == WHOLE
    assert scope(policy(NAMED), principal("spiffe://acme/probe", "mtls")) == WHOLE
    assert scope(policy(NAMED), principal("alice"), WRITE) is None


def test_whom_no_binding_fits_may_do_nothing():
    assert policy(NAMED).grant(principal("bob")) == NOTHING


def test_a_token_that_says_the_name_of_a_certificate_is_not_taken_for_it():
    assert scope(policy(NAMED), principal("spiffe://acme/probe", "jwt")) is None
    assert scope(policy(NAMED), principal("alice", "mtls")) is None


def test_the_roles_that_a_token_says_count_for_nothing_beside_a_policy():
    bob = principal("bob", roles=["operator"])
    assert policy(NAMED).grant(bob) == NOTHING


GROUPED = """
version: 1
bindings:
  - role: writer
    to: {groups: [plant-1, plant-2]}
"""


def test_who_is_in_a_group_has_its_role():
    assert scope(policy(GROUPED), principal("alice", groups=("staff", "plant-2")), WRITE) == WHOLE
    assert scope(policy(GROUPED), principal("alice", groups=("staff",)), WRITE) is None


CLAIMED = """
version: 1
bindings:
  - role: reader
    to: {claims: {tid: [acme, globex], realm_access.roles: [twins]}}
"""


@pytest.mark.parametrize(
    "claims",
    [
        {"tid": "acme", "realm_access": {"roles": ["mail", "twins"]}},
        {"tid": ["initech", "globex"], "realm_access.roles": "twins"},
    ],
)
def test_who_has_one_value_of_each_claim_has_the_role(claims: dict[str, Any]):
    assert scope(policy(CLAIMED), principal("alice", **claims)) == WHOLE


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"tid": "acme"},
        {"tid": "initech", "realm_access": {"roles": ["twins"]}},
        {"tid": "acme", "realm_access": "twins"},
        {"tid": "acme", "realm_access": {"roles": {"twins": True}}},
        {"tid": {"acme": 1}, "realm_access": {"roles": ["twins"]}},
        {"tid": 7, "realm_access": {"roles": [7, None]}},
    ],
)
def test_who_lacks_one_of_the_claims_has_not(claims: dict[str, Any]):
    assert policy(CLAIMED).grant(principal("alice", **claims)) == NOTHING


def test_two_tokens_of_one_name_are_told_apart_by_their_claims_and_groups():
    asked = policy(CLAIMED)
    good: dict[str, Any] = {"tid": "acme", "realm_access": {"roles": ["twins"]}}
    assert [scope(asked, principal("alice", **claims)) for claims in (good, {"tid": "acme"}, good)] == [
        WHOLE,
        None,
        WHOLE,
    ]
    grouped = policy(GROUPED)
    assert scope(grouped, principal("alice", groups=("plant-1",))) == WHOLE
    assert scope(grouped, principal("alice")) is None


def test_a_role_of_the_files_own_permits_what_it_lists():
    own = policy(
        """
        version: 1
        roles:
          gateway: {permissions: [telemetry.publish, twins.read]}
        bindings:
          - {role: gateway, to: {principals: ["jwt:g"]}}
        """
    )
    permitted = own.grant(principal("g"))
    assert "twinfront.v1.TelemetryService/PublishTelemetry" in permitted
    assert READ in permitted
    assert WRITE not in permitted


LIMITED = """
version: 1
bindings:
  - role: reader
    to: {groups: [staff]}
    within: {ids: [lobby]}
  - role: writer
    to: {principals: ["jwt:alice"]}
    within: {ids: [plant-7/], models: ["dtmi:com:acme:Pump;1"]}
"""


def test_a_role_within_bounds_is_for_that_part_of_the_graph_and_roles_add_up():
    alice = principal("alice", groups=("staff",))
    pumps = Limit(("plant-7/",), frozenset({"dtmi:com:acme:Pump;1"}))
    assert scope(policy(LIMITED), alice, WRITE) == Scope((pumps,))
    read = scope(policy(LIMITED), alice)
    assert read is not None
    assert set(read.limits) == {pumps, Limit(("lobby",))}


def test_the_json_schema_takes_what_the_server_takes():
    schema = json.loads((Path(policy_document.__file__).parent / "policy.schema.json").read_text())
    for text in (NAMED, GROUPED, CLAIMED, LIMITED):
        jsonschema.validate(yaml.safe_load(text), schema, jsonschema.Draft202012Validator)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(NAMED.replace("role:", "rule:")), schema, jsonschema.Draft202012Validator)


def test_what_a_policy_keeps_grows_with_what_it_says_and_not_with_its_callers():
    given = policy(
        """
version: 1
bindings:
  - role: reader
    to: {principals: ["jwt:alice"], groups: [plant-1]}
  - role: writer
    to: {claims: {tenant: [acme, "acme labs"], env: [prod]}}
"""
    )
    for number in range(200):
        made_up = (f"group {number}", "plant-1")
        assert scope(given, principal(f"bob {number}", groups=made_up)) == WHOLE
        assert scope(given, principal(f"bob {number}", tenant=f"acme {number}", env="prod"), WRITE) == WHOLE
        assert scope(given, principal("alice", tenant=f"other {number}", env=["prod"])) == WHOLE
        assert scope(given, principal("carol", tenant=f"other {number}", env=["prod"])) is None
    assert len(given._grants) == 4
