"""JSON Patch documents out of messages."""

import orjson
import pytest

from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.value_pb2 import Value
from twinfront_server.errors import TwinfrontError
from twinfront_server.wire.json_patch import json_patch_body

ADD, REPLACE, REMOVE = JsonPatchOperation.OP_ADD, JsonPatchOperation.OP_REPLACE, JsonPatchOperation.OP_REMOVE


def _refused(*patch: JsonPatchOperation) -> str:
    with pytest.raises(TwinfrontError) as caught:
        json_patch_body(patch)
    violation = caught.value.details[0].field_violations[0]  # type: ignore[attr-defined]
    assert caught.value.reason == "JSON_PATCH_INVALID"
    field: str = violation.field
    return field


def test_operations_keep_their_order_and_values():
    body = json_patch_body(
        [
            JsonPatchOperation(op=ADD, path="/a", value=Value(int_value=2**63 - 1)),
            JsonPatchOperation(op=REPLACE, path="/b/c", value_json=b' {"x": [1.0, null]} '),
            JsonPatchOperation(op=REMOVE, path="/d"),
        ]
    )
    assert orjson.loads(body.content) == [
        {"op": "add", "path": "/a", "value": 2**63 - 1},
        {"op": "replace", "path": "/b/c", "value": {"x": [1.0, None]}},
        {"op": "remove", "path": "/d"},
    ]
    assert list(body.items) == ["/a", "/b/c", "/d"]


def test_no_operations_are_a_patch():
    assert json_patch_body([]).content == b"[]"


@pytest.mark.parametrize("text", [b"null", b"false", b"0", b'""', b"[]", b"{}", b"9223372036854775807", b"1.0"])
def test_value_json_is_sent_as_it_is(text: bytes):
    body = json_patch_body([JsonPatchOperation(op=ADD, path="/a", value_json=text)])
    assert body.content == b'[{"op":"add","path":"/a","value":' + text + b"}]"


@pytest.mark.parametrize(
    "path",
    [
        "/temperature",
        "temperature",
        "/address/city",
        "address/city",
        "/$metadata/$model",
        "/$metadata/temperature/sourceTime",
        "/list/0",
        "/list/-",
        "/map/a~1b",
        "/map/a~0b",
        "/map/a b",
        "/map/ä",
        "/map/.",
    ],
)
def test_json_pointers_are_taken(path: str):
    assert list(json_patch_body([JsonPatchOperation(op=REMOVE, path=path)]).items) == [path]


@pytest.mark.parametrize(
    "path", ["", "/", "//", "/a/", "a/", "/a//b", "//a", "/~", "/a~", "/~2", "/a~1~", "~", "/a/~x/b", "/a~b"]
)
def test_malformed_paths_are_refused_by_their_field(path: str):
    valid = JsonPatchOperation(op=REMOVE, path="/a")
    assert _refused(valid, JsonPatchOperation(op=REMOVE, path=path)) == "patch[1].path"


def test_an_operation_without_op_is_refused():
    assert _refused(JsonPatchOperation(path="/a", value=Value(int_value=1))) == "patch[0].op"


def test_an_op_that_the_enum_does_not_have_is_refused():
    unknown = JsonPatchOperation.FromString(b"\x08\x63\x12\x02/a")
    assert unknown.op == 99
    assert _refused(unknown) == "patch[0].op"


@pytest.mark.parametrize("op", [ADD, REPLACE])
def test_add_and_replace_need_a_value(op: JsonPatchOperation.Op.ValueType):
    assert _refused(JsonPatchOperation(op=op, path="/a")) == "patch[0].value"


def test_a_value_without_a_kind_is_refused():
    with pytest.raises(TwinfrontError) as caught:
        json_patch_body([JsonPatchOperation(op=ADD, path="/a", value=Value())])
    assert caught.value.details[0].field_violations[0].field == "patch[0].value"  # type: ignore[attr-defined]


def test_a_value_in_both_forms_is_refused():
    both = JsonPatchOperation(op=ADD, path="/a", value=Value(int_value=1), value_json=b"1")
    assert _refused(both) == "patch[0].value_json"


@pytest.mark.parametrize(
    "text", [b"{", b"nan", b"NaN", b"Infinity", b"1 2", b"\xff", b"'a'", b"// c\n1", b"[" * 100_000]
)
def test_a_value_that_is_no_json_is_refused(text: bytes):
    assert _refused(JsonPatchOperation(op=ADD, path="/a", value_json=text)) == "patch[0].value_json"
