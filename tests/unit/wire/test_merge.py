"""What no merge can change is refused, each member by its own path."""

import orjson
import pytest
from google.rpc.error_details_pb2 import BadRequest

from twinfront.v1.value_pb2 import ObjectValue, Value
from twinfront_server.errors import MAX_LISTED, TwinfrontError
from twinfront_server.wire.merge import Merge, merge_of


def refused(merge: ObjectValue | None, merge_json: bytes = b"") -> list[tuple[str, str]]:
    with pytest.raises(TwinfrontError) as caught:
        merge_of(merge, merge_json, "room")
    assert caught.value.reason == "INVALID_ARGUMENT"
    [detail] = caught.value.details
    assert isinstance(detail, BadRequest)
    return [(violation.field, violation.description) for violation in detail.field_violations]


def test_each_problem_of_a_merge_is_told_with_its_path():
    metadata = ObjectValue(
        fields={
            "$model": Value(int_value=1),
            "a": Value(object_value=ObjectValue(fields={"lastUpdateTime": Value(int_value=1)})),
        }
    )
    fields = {
        "$etag": Value(string_value="1"),
        "$dtId": Value(string_value="hall"),
        "$metadata": Value(object_value=metadata),
        "temperature": Value(int_value=1),
        "lamp": Value(object_value=ObjectValue(fields={"$metadata": Value(int_value=1)})),
    }
    inside = 'merge.fields["$metadata"].object_value.fields'
    assert dict(refused(ObjectValue(fields=fields))) == {
        'merge.fields["$etag"]': "$etag cannot be merged; the condition is if_match",
        'merge.fields["$dtId"]': "$dtId must be absent or equal to digital_twin_id",
        f'{inside}["$model"]': "$model must be the DTMI of a model",
        f'{inside}["a"].object_value.fields["lastUpdateTime"]': (
            "lastUpdateTime cannot be set; of a property only sourceTime can"
        ),
        'merge.fields["lamp"].object_value.fields["$metadata"]': "$metadata must be an object",
    }


def test_the_problems_of_a_merge_in_json_are_about_the_one_field_that_has_it():
    problems = refused(None, b'{"$etag":"1","$other":2}')
    assert [field for field, _ in problems] == ["merge_json", "merge_json"]
    assert "$etag" in problems[0][1]
    assert "$other" in problems[1][1]


def test_of_very_many_problems_of_a_merge_the_first_ones_are_told():
    document = orjson.dumps({f"${number}": 1 for number in range(10_000)})
    assert len(refused(None, document)) == MAX_LISTED


@pytest.mark.parametrize(
    ("tokens", "path"),
    [
        ([], "merge"),
        (["lamp"], 'merge.fields["lamp"]'),
        (["lamp", "on"], 'merge.fields["lamp"].object_value.fields["on"]'),
        (["lamp", "on", "more"], 'merge.fields["lamp"].object_value.fields["on"]'),
        (["lamp", "off"], 'merge.fields["lamp"]'),
        (["tags", "0"], 'merge.fields["tags"]'),
        (["tags", "a"], 'merge.fields["tags"]'),
        (["elsewhere", "on"], "merge"),
    ],
)
def test_the_field_of_a_place_is_the_innermost_member_of_the_merge_on_the_way_to_it(tokens: list[str], path: str):
    document = {"lamp": {"on": 1}, "tags": ["a", "b"]}
    assert Merge(document, "merge").field_at(tokens) == path
    assert Merge(document, "merge_json").field_at(tokens) == "merge_json"
