"""Makes each operation a value, the request to send and how its answer is read, for both clients.

Twins, relationships and models travel as the JSON of Azure Digital Twins (REPRESENTATION_JSON), which Python writes and
reads several times faster than the typed messages.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

from google.protobuf.message import Message

from twinfront import _digital_twins, _json, _relationships
from twinfront._digital_twins import Component, DigitalTwin
from twinfront._models import Model, dtdl_texts
from twinfront._pages import Page
from twinfront._patch import patch_operations
from twinfront._relationships import IncomingRelationship, Relationship
from twinfront.errors import unreadable_answer
from twinfront.v1 import digital_twin_pb2, relationship_pb2
from twinfront.v1 import digital_twin_service_pb2 as twin_rpcs
from twinfront.v1 import model_service_pb2 as model_rpcs
from twinfront.v1 import relationship_service_pb2 as relationship_rpcs
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON, VIEW_BASIC, VIEW_FULL

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)
Result = TypeVar("Result")

CallMetadata: TypeAlias = Sequence[tuple[str, str | bytes]]
"""Request metadata: `[("twinfront-call-id", "order-4711")]`. Keys are lower-case, those of bytes end in `-bin`."""

View: TypeAlias = Literal["full", "basic"]
"""How much of a twin or component is answered: everything, or all but the metadata of properties."""

PatchOperations: TypeAlias = Iterable[Mapping[str, Any]]
"""A `Patch`, or the operations of a JSON Patch: `[{"op": "replace", "path": "/temperature", "value": 22}]`."""

_VIEWS: Final = {"full": VIEW_FULL, "basic": VIEW_BASIC}


@dataclass(frozen=True, slots=True)
class Call(Generic[Request, Response, Result]):
    """Holds a request, and how its response is read."""

    request: Request
    read: Callable[[Response], Result]

    @property
    def method(self) -> str:
        """Names the RPC, after which its request is named."""
        return type(self.request).DESCRIPTOR.name.removesuffix("Request")

    def result(self, response: Response) -> Result:
        """Reads the answer; TwinfrontError for one that the contract does not allow, such as a twin without JSON."""
        try:
            return self.read(response)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise unreadable_answer(self.method, error) from error


def create_or_replace_digital_twin(
    digital_twin_id: str,
    digital_twin: DigitalTwin | Mapping[str, Any],
    *,
    if_none_match: bool,
    view: View,
    if_match: str | None = None,
    validate_only: bool = False,
    request_id: str | None = None,
) -> Call[twin_rpcs.CreateOrReplaceDigitalTwinRequest, twin_rpcs.CreateOrReplaceDigitalTwinResponse, DigitalTwin]:
    twin_json = _json.dump(_digital_twins.request_form(digital_twin), "digital_twin")
    return Call(
        twin_rpcs.CreateOrReplaceDigitalTwinRequest(
            digital_twin_id=digital_twin_id,
            digital_twin=digital_twin_pb2.DigitalTwin(json=twin_json),
            if_none_match=any_etag(wanted=if_none_match),
            representation=REPRESENTATION_JSON,
            view=view_number(view),
            if_match=etag_text(if_match),
            validate_only=validate_only,
            request_id=request_id or "",
        ),
        lambda response: DigitalTwin.from_dict(_json.load(response.digital_twin.json)),
    )


def get_digital_twin(
    digital_twin_id: str, *, view: View, allow_stale: bool = False
) -> Call[twin_rpcs.GetDigitalTwinRequest, twin_rpcs.GetDigitalTwinResponse, DigitalTwin]:
    return Call(
        twin_rpcs.GetDigitalTwinRequest(
            digital_twin_id=digital_twin_id,
            representation=REPRESENTATION_JSON,
            view=view_number(view),
            allow_stale=allow_stale,
        ),
        lambda response: DigitalTwin.from_dict(_json.load(response.digital_twin.json)),
    )


def update_digital_twin(
    digital_twin_id: str,
    patch: PatchOperations,
    *,
    if_match: str | None,
    validate_only: bool = False,
    request_id: str | None = None,
) -> Call[twin_rpcs.UpdateDigitalTwinRequest, twin_rpcs.UpdateDigitalTwinResponse, str]:
    return Call(
        twin_rpcs.UpdateDigitalTwinRequest(
            digital_twin_id=digital_twin_id,
            patch=patch_operations(patch),
            if_match=etag_text(if_match),
            validate_only=validate_only,
            request_id=request_id or "",
        ),
        lambda response: response.etag,
    )


def get_component(
    digital_twin_id: str, component_name: str, *, view: View
) -> Call[twin_rpcs.GetComponentRequest, twin_rpcs.GetComponentResponse, Component]:
    return Call(
        twin_rpcs.GetComponentRequest(
            digital_twin_id=digital_twin_id,
            component_name=component_name,
            representation=REPRESENTATION_JSON,
            view=view_number(view),
        ),
        lambda response: Component.from_dict(_json.load(response.component.json), etag=response.etag),
    )


def update_component(
    digital_twin_id: str,
    component_name: str,
    patch: PatchOperations,
    *,
    if_match: str | None,
    validate_only: bool = False,
    request_id: str | None = None,
) -> Call[twin_rpcs.UpdateComponentRequest, twin_rpcs.UpdateComponentResponse, str]:
    return Call(
        twin_rpcs.UpdateComponentRequest(
            digital_twin_id=digital_twin_id,
            component_name=component_name,
            patch=patch_operations(patch),
            if_match=etag_text(if_match),
            validate_only=validate_only,
            request_id=request_id or "",
        ),
        lambda response: response.etag,
    )


def create_or_replace_relationship(
    digital_twin_id: str,
    relationship_id: str,
    relationship: Relationship | Mapping[str, Any],
    *,
    if_none_match: bool,
    validate_only: bool = False,
    request_id: str | None = None,
) -> Call[
    relationship_rpcs.CreateOrReplaceRelationshipRequest,
    relationship_rpcs.CreateOrReplaceRelationshipResponse,
    Relationship,
]:
    relationship_json = _json.dump(_relationships.request_form(relationship), "relationship")
    return Call(
        relationship_rpcs.CreateOrReplaceRelationshipRequest(
            digital_twin_id=digital_twin_id,
            relationship_id=relationship_id,
            relationship=relationship_pb2.Relationship(json=relationship_json),
            if_none_match=any_etag(wanted=if_none_match),
            representation=REPRESENTATION_JSON,
            validate_only=validate_only,
            request_id=request_id or "",
        ),
        lambda response: Relationship.from_dict(_json.load(response.relationship.json)),
    )


def get_relationship(
    digital_twin_id: str, relationship_id: str
) -> Call[relationship_rpcs.GetRelationshipRequest, relationship_rpcs.GetRelationshipResponse, Relationship]:
    return Call(
        relationship_rpcs.GetRelationshipRequest(
            digital_twin_id=digital_twin_id, relationship_id=relationship_id, representation=REPRESENTATION_JSON
        ),
        lambda response: Relationship.from_dict(_json.load(response.relationship.json)),
    )


def update_relationship(
    digital_twin_id: str,
    relationship_id: str,
    patch: PatchOperations,
    *,
    if_match: str | None,
    validate_only: bool = False,
    request_id: str | None = None,
) -> Call[relationship_rpcs.UpdateRelationshipRequest, relationship_rpcs.UpdateRelationshipResponse, str]:
    return Call(
        relationship_rpcs.UpdateRelationshipRequest(
            digital_twin_id=digital_twin_id,
            relationship_id=relationship_id,
            patch=patch_operations(patch),
            if_match=etag_text(if_match),
            validate_only=validate_only,
            request_id=request_id or "",
        ),
        lambda response: response.etag,
    )


def delete_relationship(
    digital_twin_id: str,
    relationship_id: str,
    *,
    if_match: str | None,
    validate_only: bool = False,
    request_id: str | None = None,
) -> Call[relationship_rpcs.DeleteRelationshipRequest, relationship_rpcs.DeleteRelationshipResponse, None]:
    return Call(
        relationship_rpcs.DeleteRelationshipRequest(
            digital_twin_id=digital_twin_id,
            relationship_id=relationship_id,
            if_match=etag_text(if_match),
            validate_only=validate_only,
            request_id=request_id or "",
        ),
        _nothing,
    )


def list_relationships(
    digital_twin_id: str, name: str | None, *, page_size: int | None, page_token: str
) -> Call[relationship_rpcs.ListRelationshipsRequest, relationship_rpcs.ListRelationshipsResponse, Page[Relationship]]:
    return Call(
        relationship_rpcs.ListRelationshipsRequest(
            digital_twin_id=digital_twin_id,
            relationship_name=name or "",
            page_size=page_size or 0,
            page_token=page_token,
            representation=REPRESENTATION_JSON,
        ),
        lambda response: Page(
            [Relationship.from_dict(_json.load(item.json)) for item in response.relationships],
            response.next_page_token,
        ),
    )


def list_incoming_relationships(
    digital_twin_id: str, *, page_size: int | None, page_token: str
) -> Call[
    relationship_rpcs.ListIncomingRelationshipsRequest,
    relationship_rpcs.ListIncomingRelationshipsResponse,
    Page[IncomingRelationship],
]:
    return Call(
        relationship_rpcs.ListIncomingRelationshipsRequest(
            digital_twin_id=digital_twin_id,
            page_size=page_size or 0,
            page_token=page_token,
            representation=REPRESENTATION_JSON,
        ),
        lambda response: Page(
            [IncomingRelationship.from_dict(_json.load(item.json)) for item in response.incoming_relationships],
            response.next_page_token,
        ),
    )


def create_models(
    models: Iterable[Mapping[str, Any] | str], *, validate_only: bool = False, request_id: str | None = None
) -> Call[model_rpcs.CreateModelsRequest, model_rpcs.CreateModelsResponse, list[Model]]:
    return Call(
        model_rpcs.CreateModelsRequest(
            dtdl_models=dtdl_texts(models),
            representation=REPRESENTATION_JSON,
            validate_only=validate_only,
            request_id=request_id or "",
        ),
        lambda response: [Model.from_dict(_json.load(model.json)) for model in response.models],
    )


def get_model(
    model_id: str, *, include_model_definition: bool
) -> Call[model_rpcs.GetModelRequest, model_rpcs.GetModelResponse, Model]:
    return Call(
        model_rpcs.GetModelRequest(
            model_id=model_id,
            include_model_definition=include_model_definition,
            representation=REPRESENTATION_JSON,
        ),
        lambda response: Model.from_dict(_json.load(response.model.json)),
    )


def list_models(
    dependencies_for: Sequence[str], *, include_model_definition: bool, page_size: int | None, page_token: str
) -> Call[model_rpcs.ListModelsRequest, model_rpcs.ListModelsResponse, Page[Model]]:
    return Call(
        model_rpcs.ListModelsRequest(
            dependencies_for=dependencies_for,
            include_model_definition=include_model_definition,
            page_size=page_size or 0,
            page_token=page_token,
            representation=REPRESENTATION_JSON,
        ),
        lambda response: Page(
            [Model.from_dict(_json.load(model.json)) for model in response.models], response.next_page_token
        ),
    )


def decommission_model(
    model_id: str, *, validate_only: bool = False, request_id: str | None = None
) -> Call[model_rpcs.DecommissionModelRequest, model_rpcs.DecommissionModelResponse, None]:
    return Call(
        model_rpcs.DecommissionModelRequest(
            model_id=model_id, validate_only=validate_only, request_id=request_id or ""
        ),
        _nothing,
    )


def delete_model(
    model_id: str, *, validate_only: bool = False, request_id: str | None = None
) -> Call[model_rpcs.DeleteModelRequest, model_rpcs.DeleteModelResponse, None]:
    return Call(
        model_rpcs.DeleteModelRequest(model_id=model_id, validate_only=validate_only, request_id=request_id or ""),
        _nothing,
    )


def model_ids(dependencies_for: Iterable[str]) -> list[str]:
    """Lists the ids, to be sent with each page; TypeError for a single one, which would be taken for its letters."""
    if isinstance(dependencies_for, str):
        raise TypeError("dependencies_for is a list of model ids, and not one of them: put it in brackets")
    return list(dependencies_for)


def any_etag(*, wanted: bool) -> str:
    """Gives the one value that `if_none_match` has."""
    return "*" if wanted else ""


def etag_text(etag: str | None) -> str:
    """Checks `if_match`: an empty etag is refused, as it would silently make the write unconditional."""
    if etag == "":
        raise ValueError("if_match is empty: give an etag, '*', or None for a write without condition")
    return etag or ""


def view_number(view: View) -> Any:
    """Gives the view as the contract has it; ValueError for another word."""
    if view not in _VIEWS:
        raise ValueError(f"view is {view!r}, and not one of 'full', 'basic'")
    return _VIEWS[view]


def _nothing(_response: object) -> None:
    """Reads the response of a delete, which is empty."""
