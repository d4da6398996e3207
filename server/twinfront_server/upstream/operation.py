"""The operations of Azure Digital Twins, and what one call of them was about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from twinfront_server.wire.body import Body


class Resource(Enum):
    """The kinds of resource, with the message that stands for each in error details."""

    DIGITAL_TWIN = "twinfront.v1.DigitalTwin"
    COMPONENT = "twinfront.v1.Component"
    RELATIONSHIP = "twinfront.v1.Relationship"
    MODEL = "twinfront.v1.Model"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its name, as in metrics, the resource that it addresses, and whether it changes anything."""

    name: str
    resource: Resource
    write: bool = False


GET_DIGITAL_TWIN = Operation("get_digital_twin", Resource.DIGITAL_TWIN)
PUT_DIGITAL_TWIN = Operation("put_digital_twin", Resource.DIGITAL_TWIN, write=True)
PATCH_DIGITAL_TWIN = Operation("patch_digital_twin", Resource.DIGITAL_TWIN, write=True)
DELETE_DIGITAL_TWIN = Operation("delete_digital_twin", Resource.DIGITAL_TWIN, write=True)
GET_COMPONENT = Operation("get_component", Resource.COMPONENT)
PATCH_COMPONENT = Operation("patch_component", Resource.COMPONENT, write=True)
GET_RELATIONSHIP = Operation("get_relationship", Resource.RELATIONSHIP)
PUT_RELATIONSHIP = Operation("put_relationship", Resource.RELATIONSHIP, write=True)
PATCH_RELATIONSHIP = Operation("patch_relationship", Resource.RELATIONSHIP, write=True)
DELETE_RELATIONSHIP = Operation("delete_relationship", Resource.RELATIONSHIP, write=True)
LIST_RELATIONSHIPS = Operation("list_relationships", Resource.RELATIONSHIP)
LIST_INCOMING_RELATIONSHIPS = Operation("list_incoming_relationships", Resource.RELATIONSHIP)
POST_MODELS = Operation("post_models", Resource.MODEL, write=True)
GET_MODEL = Operation("get_model", Resource.MODEL)
LIST_MODELS = Operation("list_models", Resource.MODEL)
DECOMMISSION_MODEL = Operation("decommission_model", Resource.MODEL, write=True)
DELETE_MODEL = Operation("delete_model", Resource.MODEL, write=True)
PROBE = Operation("probe", Resource.MODEL)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call asked for: all that is needed to say what its failure means.

    Attributes:
        operation: the operation.
        ids: the ids of the request, by request field, and those that its body names; the metadata of errors.
        listed: ids in a list of the request, by proto path.
        body: what was sent; None for nothing.
        if_match: the condition; empty for none.
    """

    operation: Operation
    ids: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    if_match: str = ""
    listed: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path of the resource that has the etag: a component has its twin's."""
        if self.operation.resource is Resource.MODEL:
            return f"models/{self.ids['model_id']}" if "model_id" in self.ids else "models"
        path = f"digitaltwins/{self.ids.get('digital_twin_id', '')}"
        if self.operation.resource is Resource.RELATIONSHIP and "relationship_id" in self.ids:
            path += f"/relationships/{self.ids['relationship_id']}"
        return path
