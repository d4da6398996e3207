"""The form of an answer that a request asks for."""

from typing import Final

from twinfront.v1.representation_pb2 import REPRESENTATION_JSON, VIEW_BASIC, Representation, View
from twinfront_server.errors import invalid_argument

_REPRESENTATIONS: Final = frozenset(Representation.values())
_VIEWS: Final = frozenset(View.values())


def wants_json(representation: Representation.ValueType) -> bool:
    """Tells whether the answer is to be the service's own JSON.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for a number that the enum does not have.
    """
    if representation not in _REPRESENTATIONS:
        raise invalid_argument("representation", f"{representation} is not a Representation")
    return representation == REPRESENTATION_JSON


def wants_metadata(view: View.ValueType) -> bool:
    """Tells whether the answer is to have the metadata of properties.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for a number that the enum does not have.
    """
    if view not in _VIEWS:
        raise invalid_argument("view", f"{view} is not a View")
    return view != VIEW_BASIC
