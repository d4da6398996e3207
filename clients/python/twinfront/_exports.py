"""Holds what `import twinfront` offers; loaded when the first of it is asked for."""

from twinfront._aio.client import AsyncTwinfrontClient
from twinfront._aio.imports import AsyncImportReports
from twinfront._aio.pages import AsyncPager
from twinfront._call_info import CallInfo
from twinfront._channel import TlsConfig
from twinfront._digital_twins import Component, DigitalTwin, PropertyMetadata
from twinfront._event_routes import EventRoute
from twinfront._graphs import GraphItem, ImportProgress, ImportReport, ImportResult
from twinfront._jobs import DeleteJob, ImportJob, JobFailure, JobStatus
from twinfront._models import Model
from twinfront._pages import Page
from twinfront._patch import Patch, patch
from twinfront._permissions import PermissionDecision
from twinfront._queries import QueryPage
from twinfront._relationships import IncomingRelationship, Relationship
from twinfront._sync.client import TwinfrontClient
from twinfront._sync.imports import ImportReports
from twinfront._sync.pages import Pager
from twinfront._timestamps import Timestamp
from twinfront._values import as_double
from twinfront._writes import (
    BatchGetResult,
    CreateOrReplace,
    Delete,
    DeleteResult,
    DigitalTwinWrite,
    Merge,
    MergeResult,
    Update,
    WriteResult,
)
from twinfront.errors import (
    AbortedError,
    AlreadyExistsError,
    BlockingRelationship,
    CallCancelledError,
    ComponentNotFoundError,
    DeadlineExceededError,
    DtdlInvalidError,
    EtagMismatchError,
    EventRouteNotFoundError,
    FailedPreconditionError,
    FieldViolation,
    InvalidArgumentError,
    JobNotFoundError,
    JsonPatchInvalidError,
    LimitReachedError,
    ModelDecommissionedError,
    ModelHasDependentsError,
    ModelNotFoundError,
    NotFoundError,
    OutcomeUnknownError,
    PageTokenInvalidError,
    PermissionDeniedError,
    QueryInvalidError,
    RelationshipNotFoundError,
    ResourceExhaustedError,
    TargetTwinNotFoundError,
    ThrottledError,
    TwinfrontError,
    TwinHasRelationshipsError,
    TwinNotFoundError,
    UnauthenticatedError,
    UnavailableError,
    ValidateOnlyUnsupportedError,
    ValidationFailedError,
    from_rpc_error,
    from_status,
)

__all__ = [
    "AbortedError",
    "AlreadyExistsError",
    "AsyncImportReports",
    "AsyncPager",
    "AsyncTwinfrontClient",
    "BatchGetResult",
    "BlockingRelationship",
    "CallCancelledError",
    "CallInfo",
    "Component",
    "ComponentNotFoundError",
    "CreateOrReplace",
    "DeadlineExceededError",
    "Delete",
    "DeleteJob",
    "DeleteResult",
    "DigitalTwin",
    "DigitalTwinWrite",
    "DtdlInvalidError",
    "EtagMismatchError",
    "EventRoute",
    "EventRouteNotFoundError",
    "FailedPreconditionError",
    "FieldViolation",
    "GraphItem",
    "ImportJob",
    "ImportProgress",
    "ImportReport",
    "ImportReports",
    "ImportResult",
    "IncomingRelationship",
    "InvalidArgumentError",
    "JobFailure",
    "JobNotFoundError",
    "JobStatus",
    "JsonPatchInvalidError",
    "LimitReachedError",
    "Merge",
    "MergeResult",
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
    "PermissionDecision",
    "PermissionDeniedError",
    "PropertyMetadata",
    "QueryInvalidError",
    "QueryPage",
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
    "Update",
    "ValidateOnlyUnsupportedError",
    "ValidationFailedError",
    "WriteResult",
    "as_double",
    "from_rpc_error",
    "from_status",
    "patch",
]
