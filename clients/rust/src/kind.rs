use std::fmt;

use tonic::Code;

use crate::v1::ErrorReason;

/// The kind of an error, by its reason, else by its code.
///
/// A general kind stands for its particular ones in [`Error::is`](crate::Error::is): a twin that is not found is
/// [`NotFound`](Kind::NotFound) too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Any status without a kind of its own, such as INTERNAL.
    Other,
    /// The resource that the call is about does not exist.
    NotFound,
    /// No such twin. A case of `NotFound`.
    TwinNotFound,
    /// The twin has no such relationship. A case of `NotFound`.
    RelationshipNotFound,
    /// The twin has no such component. A case of `NotFound`.
    ComponentNotFound,
    /// No such model. A case of `NotFound`.
    ModelNotFound,
    /// No such event route. A case of `NotFound`.
    EventRouteNotFound,
    /// No such job. A case of `NotFound`.
    JobNotFound,
    /// A twin or relationship that was only to be created, a model, or a job is there already.
    AlreadyExists,
    /// Another writer was faster: read again, redo the change, write again.
    Aborted,
    /// The etag in `if_match` is not the current one. A case of `Aborted`.
    EtagMismatch,
    /// Something else has to be changed first.
    FailedPrecondition,
    /// Relationships keep a twin from being deleted. A case of `FailedPrecondition`.
    TwinHasRelationships,
    /// The twin that a relationship is to point to does not exist. A case of `FailedPrecondition`.
    TargetTwinNotFound,
    /// Other models build on the model. A case of `FailedPrecondition`.
    ModelHasDependents,
    /// There are no new twins of the model. A case of `FailedPrecondition`.
    ModelDecommissioned,
    /// The request is wrong, whatever the state of the graph.
    InvalidArgument,
    /// The twin or relationship would not fit its model. A case of `InvalidArgument`.
    ValidationFailed,
    /// An operation of a patch is malformed, or its path leads nowhere. A case of `InvalidArgument`.
    JsonPatchInvalid,
    /// A model is not valid DTDL. A case of `InvalidArgument`.
    DtdlInvalid,
    /// The query is not understood. A case of `InvalidArgument`.
    QueryInvalid,
    /// The page token is not one of this service, or of another request. A case of `InvalidArgument`.
    PageTokenInvalid,
    /// The resume token is not one of this service, or of another log of changes or request. A case of `InvalidArgument`.
    ResumeTokenInvalid,
    /// The log of changes no longer has what was to be told.
    ChangesExpired,
    /// Too many calls, or too large a message.
    ResourceExhausted,
    /// Azure Digital Twins throttles: try again later. A case of `ResourceExhausted`.
    Throttled,
    /// A limit is reached, and trying again does not help. A case of `ResourceExhausted`.
    LimitReached,
    /// The server, or Azure Digital Twins behind it, cannot be reached.
    Unavailable,
    /// There was no more time; a write may have been applied all the same.
    DeadlineExceeded,
    /// The answer to a write was lost: read before writing again.
    OutcomeUnknown,
    /// The caller or the server ended the call.
    CallCancelled,
    /// The server does not know who calls.
    Unauthenticated,
    /// The caller may not do this.
    PermissionDenied,
    /// The server follows no source of changes.
    ChangesUnsupported,
    /// The upstream cannot check a write without doing it.
    ValidateOnlyUnsupported,
}

impl Kind {
    /// The name, which is the same in all clients; that of `Other` is `Twinfront`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Other => "Twinfront",
            Self::NotFound => "NotFound",
            Self::TwinNotFound => "TwinNotFound",
            Self::RelationshipNotFound => "RelationshipNotFound",
            Self::ComponentNotFound => "ComponentNotFound",
            Self::ModelNotFound => "ModelNotFound",
            Self::EventRouteNotFound => "EventRouteNotFound",
            Self::JobNotFound => "JobNotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::Aborted => "Aborted",
            Self::EtagMismatch => "EtagMismatch",
            Self::FailedPrecondition => "FailedPrecondition",
            Self::TwinHasRelationships => "TwinHasRelationships",
            Self::TargetTwinNotFound => "TargetTwinNotFound",
            Self::ModelHasDependents => "ModelHasDependents",
            Self::ModelDecommissioned => "ModelDecommissioned",
            Self::InvalidArgument => "InvalidArgument",
            Self::ValidationFailed => "ValidationFailed",
            Self::JsonPatchInvalid => "JsonPatchInvalid",
            Self::DtdlInvalid => "DtdlInvalid",
            Self::QueryInvalid => "QueryInvalid",
            Self::PageTokenInvalid => "PageTokenInvalid",
            Self::ResumeTokenInvalid => "ResumeTokenInvalid",
            Self::ChangesExpired => "ChangesExpired",
            Self::ResourceExhausted => "ResourceExhausted",
            Self::Throttled => "Throttled",
            Self::LimitReached => "LimitReached",
            Self::Unavailable => "Unavailable",
            Self::DeadlineExceeded => "DeadlineExceeded",
            Self::OutcomeUnknown => "OutcomeUnknown",
            Self::CallCancelled => "CallCancelled",
            Self::Unauthenticated => "Unauthenticated",
            Self::PermissionDenied => "PermissionDenied",
            Self::ChangesUnsupported => "ChangesUnsupported",
            Self::ValidateOnlyUnsupported => "ValidateOnlyUnsupported",
        }
    }

    /// The kind of a reason; `None` if it is not known, has none of its own, or does not go with the code: a reason counts
    /// only where both say the same.
    pub(crate) fn of_reason(code: Code, reason: &str) -> Option<Self> {
        Some(match (code, ErrorReason::from_str_name(&format!("ERROR_REASON_{reason}"))?) {
            // begin reasons: made by clients/reasons.py; do not edit
            (Code::NotFound, ErrorReason::TwinNotFound) => Self::TwinNotFound,
            (Code::NotFound, ErrorReason::RelationshipNotFound) => Self::RelationshipNotFound,
            (Code::NotFound, ErrorReason::ComponentNotFound) => Self::ComponentNotFound,
            (Code::NotFound, ErrorReason::ModelNotFound) => Self::ModelNotFound,
            (Code::NotFound, ErrorReason::EventRouteNotFound) => Self::EventRouteNotFound,
            (Code::NotFound, ErrorReason::JobNotFound) => Self::JobNotFound,
            (Code::Aborted, ErrorReason::EtagMismatch) => Self::EtagMismatch,
            (Code::FailedPrecondition, ErrorReason::TwinHasRelationships) => Self::TwinHasRelationships,
            (Code::FailedPrecondition, ErrorReason::TargetTwinNotFound) => Self::TargetTwinNotFound,
            (Code::FailedPrecondition, ErrorReason::ModelHasDependents) => Self::ModelHasDependents,
            (Code::FailedPrecondition, ErrorReason::ModelDecommissioned) => Self::ModelDecommissioned,
            (Code::InvalidArgument, ErrorReason::ValidationFailed) => Self::ValidationFailed,
            (Code::InvalidArgument, ErrorReason::JsonPatchInvalid) => Self::JsonPatchInvalid,
            (Code::InvalidArgument, ErrorReason::DtdlInvalid) => Self::DtdlInvalid,
            (Code::InvalidArgument, ErrorReason::QueryInvalid) => Self::QueryInvalid,
            (Code::InvalidArgument, ErrorReason::PageTokenInvalid) => Self::PageTokenInvalid,
            (Code::InvalidArgument, ErrorReason::ResumeTokenInvalid) => Self::ResumeTokenInvalid,
            (Code::OutOfRange, ErrorReason::ChangesExpired) => Self::ChangesExpired,
            (Code::ResourceExhausted, ErrorReason::UpstreamThrottled) => Self::Throttled,
            (Code::ResourceExhausted, ErrorReason::LimitReached) => Self::LimitReached,
            (Code::Unknown, ErrorReason::OutcomeUnknown) => Self::OutcomeUnknown,
            (Code::Unimplemented, ErrorReason::ChangesUnsupported) => Self::ChangesUnsupported,
            (Code::Unimplemented, ErrorReason::ValidateOnlyUnsupported) => Self::ValidateOnlyUnsupported,
            // end reasons
            _ => return None,
        })
    }

    pub(crate) fn of_code(code: Code) -> Self {
        match code {
            Code::NotFound => Self::NotFound,
            Code::AlreadyExists => Self::AlreadyExists,
            Code::Aborted => Self::Aborted,
            Code::FailedPrecondition => Self::FailedPrecondition,
            Code::InvalidArgument => Self::InvalidArgument,
            Code::ResourceExhausted => Self::ResourceExhausted,
            Code::Unavailable => Self::Unavailable,
            Code::DeadlineExceeded => Self::DeadlineExceeded,
            Code::Cancelled => Self::CallCancelled,
            Code::Unauthenticated => Self::Unauthenticated,
            Code::PermissionDenied => Self::PermissionDenied,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
