"""Values of the typed messages."""

import pytest
from google.protobuf.struct_pb2 import NULL_VALUE

from twinfront import as_double
from twinfront.v1.value_pb2 import ListValue, Value


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (Value(int_value=20), 20.0),
        (Value(double_value=20.5), 20.5),
        (Value(int_value=0), 0.0),
        (Value(int_value=-(2**63)), -(2.0**63)),
        (Value(double_value=5e-324), 5e-324),
    ],
)
def test_a_number_is_read_as_a_double_however_it_was_written(value: Value, number: float) -> None:
    read = as_double(value)
    assert read == number
    assert isinstance(read, float)


@pytest.mark.parametrize(
    "value",
    [
        Value(),
        Value(null_value=NULL_VALUE),
        Value(bool_value=True),
        Value(string_value="1"),
        Value(list_value=ListValue()),
    ],
)
def test_values_that_are_no_numbers_are_refused_as_numbers(value: Value) -> None:
    with pytest.raises(TypeError, match="the value is no number"):
        as_double(value)
