"""What the roles in a token permit."""

from twinfront_server.access.grants import RolesByClaim
from twinfront_server.access.principal import Principal

from .policies import NOTHING

GET = "twinfront.v1.DigitalTwinService/GetDigitalTwin"


def test_roles_that_there_are_not_neither_permit_anything_nor_take_up_memory() -> None:
    policy = RolesByClaim()
    for number in range(1000):
        made_up = frozenset({f"role {number}", "Reader", "reader "})
        assert policy.grant(Principal("alice", "jwt", roles=made_up)) == NOTHING
        assert GET in policy.grant(Principal("alice", "jwt", roles=made_up | {"reader"}))
    assert len(policy._grants) == 2
