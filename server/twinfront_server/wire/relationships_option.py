"""The option of a deletion that decides about the relationships of the twin."""

from typing import Final

from twinfront.v1.digital_twin_service_pb2 import Relationships
from twinfront_server.errors import invalid_argument

_KNOWN: Final = frozenset(Relationships.values())


def wants_detach(relationships: Relationships.ValueType) -> bool:
    """Tells whether the relationships are to be deleted with the twin.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for a number that the enum does not have.
    """
    if relationships not in _KNOWN:
        raise invalid_argument("relationships", f"{relationships} is not a Relationships")
    return relationships == Relationships.RELATIONSHIPS_DETACH
