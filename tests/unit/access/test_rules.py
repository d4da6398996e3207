"""Every RPC of the contract has one rule, and there are no others."""

import pytest

from twinfront_server.access.grants import EVERYTHING
from twinfront_server.access.permissions import ROLES, Permission
from twinfront_server.access.rules import RULES, require_rules
from twinfront_server.services import CONTRACT


def contract() -> set[str]:
    services = [service for file in CONTRACT for service in file.DESCRIPTOR.services_by_name.values()]
    return {f"{service.full_name}/{method.name}" for service in services for method in service.methods}


def test_the_table_of_rules_is_about_the_contract():
    assert RULES.keys() == contract()


def test_a_server_with_an_rpc_that_has_no_rule_does_not_start():
    with pytest.raises(LookupError, match=r"twinfront\.v1\.ModelService/Burn"):
        require_rules([*RULES, "twinfront.v1.ModelService/Burn"])


def test_every_permission_is_taken_by_some_rpc_and_had_by_some_role():
    assert {rule.permission for rule in RULES.values()} >= set(Permission)
    assert frozenset().union(*ROLES.values()) == set(Permission)


def test_without_authentication_everything_is_permitted_in_the_whole_graph():
    assert EVERYTHING.keys() == RULES.keys()
    assert not any(scope.is_limited for scope in EVERYTHING.values())
