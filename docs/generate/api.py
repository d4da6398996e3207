"""The reference of the contract, made of the comments in the protos."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)

from docs.generate.protos import comments, described_protos, method_configs
from docs.generate.tables import NONE, table

Path = tuple[int, ...]

_MESSAGE = FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER
_ENUM = FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER
_SERVICE = FileDescriptorProto.SERVICE_FIELD_NUMBER
_METHOD = ServiceDescriptorProto.METHOD_FIELD_NUMBER
_FIELD = DescriptorProto.FIELD_FIELD_NUMBER
_NESTED_MESSAGE = DescriptorProto.NESTED_TYPE_FIELD_NUMBER
_NESTED_ENUM = DescriptorProto.ENUM_TYPE_FIELD_NUMBER
_VALUE = EnumDescriptorProto.VALUE_FIELD_NUMBER

_OWN = ".twinfront.v1."
_ELSEWHERE = {"ErrorReason"}
"""Described on a page of their own."""

_BEHAVIOUR: Mapping[int, str] = {
    field_behavior_pb2.REQUIRED: "Required. ",
    field_behavior_pb2.OUTPUT_ONLY: "Set by the service. ",
}


@dataclass(frozen=True, slots=True)
class _Element:
    """A message or enum, under the name that the contract has for it."""

    name: str
    descriptor: DescriptorProto | EnumDescriptorProto
    path: Path
    comments: Mapping[Path, str]


def api_sections() -> str:
    """Every service with its RPCs and their messages, then the messages and enums that several of them share."""
    elements = {element.name: element for file in described_protos() for element in _elements(file)}
    services = [
        (service, (_SERVICE, index), comments(file))
        for file in described_protos()
        for index, service in enumerate(file.service)
    ]
    sections = [_service(service, path, said, elements) for service, path, said in services]
    own = {
        _own(name)
        for service, _, _ in services
        for method in service.method
        for name in (method.input_type, method.output_type)
    }
    shared = [_element(element) for name, element in sorted(elements.items()) if name not in own | _ELSEWHERE]
    return "\n\n".join([*sections, "## Messages and enums", *shared])


def _service(
    service: ServiceDescriptorProto, path: Path, said: Mapping[Path, str], elements: Mapping[str, _Element]
) -> str:
    parts = [f"## {service.name}", said[path]]
    for index, method in enumerate(service.method):
        parts += [f"### {method.name}", said[*path, _METHOD, index], _signature(method)]
        parts.append(_sending(f"{_OWN[1:]}{service.name}", method))
        for name in dict.fromkeys((_own(method.input_type), _own(method.output_type))):
            fields = _fields(elements[name])
            parts.append(f"`{name}`\n\n{fields}" if fields else f"`{name}` has no fields.")
    return "\n\n".join(parts)


def _signature(method: MethodDescriptorProto) -> str:
    asked = f"{'stream ' if method.client_streaming else ''}{_own(method.input_type)}"
    answered = f"{'stream ' if method.server_streaming else ''}{_own(method.output_type)}"
    return f"`rpc {method.name}({asked}) returns ({answered})`"


def _sending(service: str, method: MethodDescriptorProto) -> str:
    """The lines of the service config, in words."""
    config: Mapping[str, Any] = method_configs()[service, method.name]
    codes = ", ".join(f"`{code}`" for code in config.get("retryPolicy", {}).get("retryableStatusCodes", [])) or NONE
    return f"Timeout: {config.get('timeout', NONE)}. Sent again on: {codes}."


def _elements(file: FileDescriptorProto) -> Iterator[_Element]:
    said = comments(file)
    for index, message in enumerate(file.message_type):
        yield from _with_nested(message, message.name, (_MESSAGE, index), said)
    for index, enum in enumerate(file.enum_type):
        yield _Element(enum.name, enum, (_ENUM, index), said)


def _with_nested(message: DescriptorProto, name: str, path: Path, said: Mapping[Path, str]) -> Iterator[_Element]:
    yield _Element(name, message, path, said)
    for index, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            yield from _with_nested(nested, f"{name}.{nested.name}", (*path, _NESTED_MESSAGE, index), said)
    for index, enum in enumerate(message.enum_type):
        yield _Element(f"{name}.{enum.name}", enum, (*path, _NESTED_ENUM, index), said)


def _element(element: _Element) -> str:
    content = _values(element) if isinstance(element.descriptor, EnumDescriptorProto) else _fields(element)
    return "\n\n".join(part for part in (f"### {element.name}", element.comments[element.path], content) if part)


def _values(element: _Element) -> str:
    assert isinstance(element.descriptor, EnumDescriptorProto)  # noqa: S101  (the caller looked)
    rows = (
        [f"`{value.name}`", str(value.number), element.comments[*element.path, _VALUE, index]]
        for index, value in enumerate(element.descriptor.value)
    )
    return table(("value", "number", "meaning"), rows)


def _fields(element: _Element) -> str:
    """The fields of a message as a table; empty if it has none."""
    assert isinstance(element.descriptor, DescriptorProto)  # noqa: S101  (the caller looked)
    rows: Iterable[list[str]] = [
        [
            f"`{field.name}`",
            _type(field, element.descriptor),
            _choice(field, element.descriptor) + _behaviour(field) + element.comments[*element.path, _FIELD, index],
        ]
        for index, field in enumerate(element.descriptor.field)
    ]
    return table(("field", "type", "meaning"), rows) if rows else ""


def _behaviour(field: FieldDescriptorProto) -> str:
    behaviours = field.options.Extensions[field_behavior_pb2.field_behavior]
    return "".join(_BEHAVIOUR[behaviour] for behaviour in behaviours)


def _choice(field: FieldDescriptorProto, message: DescriptorProto) -> str:
    return f"One of `{message.oneof_decl[field.oneof_index].name}`. " if field.HasField("oneof_index") else ""


def _type(field: FieldDescriptorProto, message: DescriptorProto) -> str:
    if not field.type_name:
        name = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    else:
        entry = next((nested for nested in message.nested_type if field.type_name.endswith(f".{nested.name}")), None)
        if entry is not None and entry.options.map_entry:
            key, value = entry.field
            return f"map of {_type(key, entry)} to {_type(value, entry)}"
        name = _linked(field.type_name)
    return f"repeated {name}" if field.label == FieldDescriptorProto.LABEL_REPEATED else name


def _linked(type_name: str) -> str:
    name = _own(type_name)
    if name == type_name.removeprefix("."):
        return f"`{name}`"
    return f"[{name}](#{name.lower().replace('.', '')})"


def _own(type_name: str) -> str:
    return type_name.removeprefix(_OWN).removeprefix(".")
