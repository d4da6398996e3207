"""The part of the graph that a permission is for."""

from twinfront_server.access.grants import Part, compile_grant
from twinfront_server.access.permissions import ROLES
from twinfront_server.access.scope import WHOLE, Limit, Scope

GET = "twinfront.v1.DigitalTwinService/GetDigitalTwin"
UPDATE = "twinfront.v1.DigitalTwinService/UpdateDigitalTwin"


def test_no_limit_is_the_whole_graph():
    assert not WHOLE.is_limited
    assert WHOLE.models_of("any") is None
    assert WHOLE.models is None


def test_ids_limit_to_what_begins_with_one_of_them():
    scope = Scope.of([Limit(ids=("plant-1/", "plant-2/"))])
    assert scope.models_of("plant-2/pump") is None
    assert scope.models_of("plant-3/pump") == frozenset()
    assert scope.models_of("PLANT-1/pump") == frozenset()
    assert scope.models is None


def test_models_limit_whatever_the_id_is():
    scope = Scope.of([Limit(models=frozenset({"dtmi:a;1"})), Limit(models=frozenset({"dtmi:b;1"}))])
    assert scope.models_of("any") == frozenset({"dtmi:a;1", "dtmi:b;1"})
    assert scope.models == frozenset({"dtmi:a;1", "dtmi:b;1"})


def test_ids_and_models_of_one_limit_are_both_wanted_and_limits_add_up():
    scope = Scope.of([Limit(("a",), frozenset({"dtmi:a;1"})), Limit(("ab",)), Limit(("c",), frozenset({"dtmi:c;1"}))])
    assert scope.models_of("a1") == frozenset({"dtmi:a;1"})
    assert scope.models_of("ab1") is None
    assert scope.models_of("c1") == frozenset({"dtmi:c;1"})
    assert scope.models_of("d") == frozenset()
    assert scope.models is None


def test_one_role_without_limits_lifts_those_of_the_others_for_what_it_permits():
    grant = compile_grant([Part(ROLES["reader"]), Part(ROLES["writer"], Limit(ids=("a",)))])
    assert grant[GET] is not None
    assert not grant[GET].is_limited
    assert grant[UPDATE] == Scope((Limit(ids=("a",)),))
