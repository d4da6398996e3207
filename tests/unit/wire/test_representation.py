"""The form of an answer."""

import pytest

from twinfront.v1.representation_pb2 import Representation, View
from twinfront_server.errors import TwinfrontError
from twinfront_server.wire.representation import wants_json, wants_metadata


def test_typed_and_full_are_the_defaults():
    assert not wants_json(Representation.REPRESENTATION_UNSPECIFIED)
    assert not wants_json(Representation.REPRESENTATION_TYPED)
    assert wants_json(Representation.REPRESENTATION_JSON)
    assert wants_metadata(View.VIEW_UNSPECIFIED)
    assert wants_metadata(View.VIEW_FULL)
    assert not wants_metadata(View.VIEW_BASIC)


@pytest.mark.parametrize("number", [-1, 3, 2**31 - 1])
@pytest.mark.parametrize(("check", "field"), [(wants_json, "representation"), (wants_metadata, "view")])
def test_numbers_that_the_enum_does_not_have_are_refused(check: object, field: str, number: int):
    assert callable(check)
    with pytest.raises(TwinfrontError) as caught:
        check(number)
    violation = caught.value.details[0].field_violations[0]  # type: ignore[attr-defined]
    assert (caught.value.reason, violation.field) == ("INVALID_ARGUMENT", field)
