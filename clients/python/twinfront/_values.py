"""Values of the typed messages, for who calls the stubs."""

from twinfront.v1.value_pb2 import Value


def as_double(value: Value) -> float:
    """Reads a number as a double, however it was written.

    A property of type double that somebody set to 20 comes as `int_value`, and `value.double_value` is 0 then.

    Raises:
        TypeError: The value is no number.
    """
    match value.WhichOneof("kind"):
        case "int_value":
            return float(value.int_value)
        case "double_value":
            return value.double_value
        case kind:
            raise TypeError(f"the value is no number, but has {kind or 'no kind'}")
