"""The Python client of twinfront, a gRPC service in front of Azure Digital Twins.

    from twinfront import DigitalTwin, TwinfrontClient, patch

    with TwinfrontClient("localhost:50051") as client:
        client.create_or_replace_digital_twin(
            "room-1", DigitalTwin(model_id="dtmi:example:Room;1", properties={"temperature": 21.5})
        )
        twin = client.get_digital_twin("room-1")
        client.update_digital_twin("room-1", patch().replace("/temperature", 22.5), if_match=twin.etag)

`AsyncTwinfrontClient` is the same for asyncio, `twinfront.errors` has the errors, and `twinfront.v1` the generated
stubs.
"""

from twinfront._aio.client import AsyncTwinfrontClient
from twinfront._call_info import CallInfo
from twinfront._channel import TlsConfig
from twinfront._digital_twins import Component, DigitalTwin, PropertyMetadata
from twinfront._models import Model
from twinfront._pages import AsyncPager, Page, Pager
from twinfront._patch import Patch, patch
from twinfront._relationships import IncomingRelationship, Relationship
from twinfront._sync.client import TwinfrontClient
from twinfront._timestamps import Timestamp
from twinfront.errors import (
    AbortedError,
    AlreadyExistsError,
    BlockingRelationship,
    CallCancelledError,
    ComponentNotFoundError,
    DeadlineExceededError,
    DtdlInvalidError,
    EtagMismatchError,
    FailedPreconditionError,
    FieldViolation,
    InvalidArgumentError,
    JsonPatchInvalidError,
    LimitReachedError,
    ModelDecommissionedError,
    ModelHasDependentsError,
    ModelNotFoundError,
    NotFoundError,
    OutcomeUnknownError,
    PageTokenInvalidError,
    PermissionDeniedError,
    RelationshipNotFoundError,
    ResourceExhaustedError,
    TargetTwinNotFoundError,
    ThrottledError,
    TwinfrontError,
    TwinHasRelationshipsError,
    TwinNotFoundError,
    UnauthenticatedError,
    UnavailableError,
    ValidationFailedError,
    from_rpc_error,
)

__all__ = [
    "AbortedError",
    "AlreadyExistsError",
    "AsyncPager",
    "AsyncTwinfrontClient",
    "BlockingRelationship",
    "CallCancelledError",
    "CallInfo",
    "Component",
    "ComponentNotFoundError",
    "DeadlineExceededError",
    "DigitalTwin",
    "DtdlInvalidError",
    "EtagMismatchError",
    "FailedPreconditionError",
    "FieldViolation",
    "IncomingRelationship",
    "InvalidArgumentError",
    "JsonPatchInvalidError",
    "LimitReachedError",
    "Model",
    "ModelDecommissionedError",
    "ModelHasDependentsError",
    "ModelNotFoundError",
    "NotFoundError",
    "OutcomeUnknownError",
    "Page",
    "PageTokenInvalidError",
    "Pager",
    "Patch",
    "PermissionDeniedError",
    "PropertyMetadata",
    "Relationship",
    "RelationshipNotFoundError",
    "ResourceExhaustedError",
    "TargetTwinNotFoundError",
    "ThrottledError",
    "Timestamp",
    "TlsConfig",
    "TwinHasRelationshipsError",
    "TwinNotFoundError",
    "TwinfrontClient",
    "TwinfrontError",
    "UnauthenticatedError",
    "UnavailableError",
    "ValidationFailedError",
    "from_rpc_error",
    "patch",
]
