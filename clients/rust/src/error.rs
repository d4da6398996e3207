use std::{collections::BTreeMap, fmt, time::Duration};

use prost::{Message, Name};
use prost_types::Any;
use tonic::{Code, Status};
use tonic_types::{FieldViolation, pb};

use crate::{
    ConfigError, Kind, PatchError, ValueError,
    connection::attempts_of,
    v1::{EtagConflict, RelationshipsBlockingDelete, relationships_blocking_delete::BlockingRelationship},
};

const DOMAIN: &str = "twinfront";
const CALL_ID: &str = "twinfront-call-id";
/// No server means more than that, and no program should sleep so long for one that errs.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The error of a call, or of a request that could not be sent.
///
/// Calls of the generated clients fail with a [`tonic::Status`], which `?` or `map_err(Error::from)` makes an `Error`:
/// nothing of it is lost. Match on the variants for what is particular to them, or look at [`kind`](Error::kind).
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The etag in `if_match` is not the resource's current one: read again, redo the change, write again.
    EtagMismatch {
        /// The resource as a path: `digitaltwins/{id}` or `digitaltwins/{id}/relationships/{relationship id}`.
        resource: String,
        /// The etag that the call asked for.
        expected_etag: String,
        /// The etag that the resource had; `None` if it could not be read, or is gone by now.
        current_etag: Option<String>,
        /// The facts that every failed call has.
        failure: Box<Failure>,
    },
    /// A twin with relationships cannot be deleted: delete them first, or along with it
    /// ([`Relationships::Detach`](crate::v1::Relationships::Detach)).
    TwinHasRelationships {
        /// Relationships that start from the twin; both lists together name 20 at the most.
        outgoing: Vec<BlockingRelationship>,
        /// Relationships that point to the twin.
        incoming: Vec<BlockingRelationship>,
        /// How many relationships start from the twin, listed or not.
        outgoing_total: i64,
        /// How many relationships point to the twin, listed or not.
        incoming_total: i64,
        /// True if there may be more relationships than counted, because there was no time to count them all.
        counts_are_lower_bounds: bool,
        /// The facts that every failed call has.
        failure: Box<Failure>,
    },
    /// The request is wrong, whatever the state of the graph; the kind may be a particular one.
    InvalidArgument {
        /// The fields that are wrong, by their paths in the request, such as `patch[2].path`, with a reason as in
        /// [`Error::reason`]; empty if the server named none.
        field_violations: Vec<FieldViolation>,
        /// The facts that every failed call has.
        failure: Box<Failure>,
    },
    /// Azure Digital Twins throttles.
    Throttled {
        /// How long to wait before the next try; `None` if the server did not say.
        retry_after: Option<Duration>,
        /// The facts that every failed call has.
        failure: Box<Failure>,
    },
    /// The server, or Azure Digital Twins behind it, cannot be reached.
    Unavailable {
        /// How long to wait before the next try; `None` if the server did not say.
        retry_after: Option<Duration>,
        /// The facts that every failed call has.
        failure: Box<Failure>,
    },
    /// A call failed with nothing beyond what all failed calls have; the kind tells which.
    Call(Box<Failure>),
    /// A value cannot be sent, or is not of the type that was asked for.
    Value(ValueError),
    /// A patch is wrong.
    Patch(PatchError),
    /// A client cannot be made of the options.
    Config(ConfigError),
}

/// The facts that every failed call has.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Failure {
    /// The kind of the error, by its reason, else by its code.
    pub kind: Kind,
    /// Why, as a name of [`ErrorReason`](crate::v1::ErrorReason) without prefix, such as `ETAG_MISMATCH`; `None` if the
    /// server gave none.
    pub reason: Option<String>,
    /// The ids that the error is about, by request field: `digital_twin_id`.
    pub metadata: BTreeMap<String, String>,
    /// The id under which the server logged the call; `None` if it did not get there.
    pub call_id: Option<String>,
    /// How often the call was sent.
    pub attempts: u32,
    /// The status as it came, with the code, the message for people, and all details.
    pub status: Status,
}

static NO_METADATA: BTreeMap<String, String> = BTreeMap::new();

impl Error {
    /// The error of an item of a batch or an import; `None` if the item did not fail.
    pub fn from_status(status: &tonic_types::Status) -> Option<Self> {
        match Code::from_i32(status.code) {
            Code::Ok => None,
            code => Some(Status::with_details(code, &status.message, status.encode_to_vec().into()).into()),
        }
    }

    /// The kind of the error. A request that was wrong before anything was sent is an
    /// [`InvalidArgument`](Kind::InvalidArgument).
    pub fn kind(&self) -> Kind {
        self.failure().map_or(Kind::InvalidArgument, |failure| failure.kind)
    }

    /// Tells whether the error is of a kind, or of a particular case of it: a [`TwinNotFound`](Kind::TwinNotFound) is a
    /// [`NotFound`](Kind::NotFound).
    pub fn is(&self, kind: Kind) -> bool {
        self.kind() == kind || Kind::of_code(self.code()) == kind
    }

    /// The gRPC code.
    pub fn code(&self) -> Code {
        self.failure().map_or(Code::InvalidArgument, |failure| failure.status.code())
    }

    /// Why, as a name of [`ErrorReason`](crate::v1::ErrorReason) without prefix, such as `ETAG_MISMATCH`; `None` if the
    /// server gave none.
    pub fn reason(&self) -> Option<&str> {
        self.failure()?.reason.as_deref()
    }

    /// The ids that the error is about, by request field: `digital_twin_id`.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        self.failure().map_or(&NO_METADATA, |failure| &failure.metadata)
    }

    /// The id under which the server logged the call; `None` if it did not get there.
    pub fn call_id(&self) -> Option<&str> {
        self.failure()?.call_id.as_deref()
    }

    /// How often the call was sent; 0 if something was wrong before that.
    pub fn attempts(&self) -> u32 {
        self.failure().map_or(0, |failure| failure.attempts)
    }

    /// The facts that every failed call has; `None` if something was wrong before anything was sent.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::EtagMismatch { failure, .. }
            | Self::TwinHasRelationships { failure, .. }
            | Self::InvalidArgument { failure, .. }
            | Self::Throttled { failure, .. }
            | Self::Unavailable { failure, .. }
            | Self::Call(failure) => Some(failure),
            Self::Value(_) | Self::Patch(_) | Self::Config(_) => None,
        }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        // gRPC forbids details of another code than the status has; a broken proxy can make such ones.
        let details = tonic_types::Status::decode(status.details())
            .ok()
            .filter(|sent| Code::from_i32(sent.code) == status.code())
            .map_or_else(Vec::new, |sent| sent.details);
        let info = all::<pb::ErrorInfo>(&details, "google.rpc.ErrorInfo").find(|info| info.domain == DOMAIN);
        let kind = info.as_ref().and_then(|info| Kind::of_reason(status.code(), &info.reason));
        let (reason, metadata) = info.map(|info| (info.reason, info.metadata)).unzip();
        let failure = Box::new(Failure {
            kind: kind.unwrap_or_else(|| Kind::of_code(status.code())),
            reason: reason.filter(|reason| !reason.is_empty()),
            metadata: metadata.into_iter().flatten().collect(),
            attempts: attempts_of(&status),
            call_id: status.metadata().get(CALL_ID).and_then(|id| id.to_str().ok()).map(str::to_owned),
            status,
        });
        match failure.kind {
            Kind::EtagMismatch => {
                let conflict = first_of_ours::<EtagConflict>(&details);
                Self::EtagMismatch {
                    resource: conflict.resource,
                    expected_etag: conflict.expected_etag,
                    current_etag: Some(conflict.current_etag).filter(|etag| !etag.is_empty()),
                    failure,
                }
            }
            Kind::TwinHasRelationships => {
                let blocking = first_of_ours::<RelationshipsBlockingDelete>(&details);
                Self::TwinHasRelationships {
                    outgoing: blocking.outgoing,
                    incoming: blocking.incoming,
                    outgoing_total: blocking.outgoing_total,
                    incoming_total: blocking.incoming_total,
                    counts_are_lower_bounds: blocking.counts_are_lower_bounds,
                    failure,
                }
            }
            Kind::Throttled => Self::Throttled { retry_after: retry_after(&details), failure },
            Kind::Unavailable => Self::Unavailable { retry_after: retry_after(&details), failure },
            _ if failure.status.code() == Code::InvalidArgument => {
                Self::InvalidArgument { field_violations: field_violations(&details), failure }
            }
            _ => Self::Call(failure),
        }
    }
}

/// The details of a type, by its name behind whatever else is in the type URL. One that cannot be read leaves the others.
fn all<'a, M: Message + Default>(details: &'a [Any], name: &'a str) -> impl Iterator<Item = M> + 'a {
    let named = details.iter().filter(move |detail| detail.type_url.rsplit('/').next() == Some(name));
    named.filter_map(|detail| M::decode(detail.value.as_slice()).ok())
}

/// The first detail of a type of the contract; an empty one if there is none.
fn first_of_ours<M: Name + Default>(details: &[Any]) -> M {
    all(details, &M::full_name()).next().unwrap_or_default()
}

fn field_violations(details: &[Any]) -> Vec<FieldViolation> {
    let bad: pb::BadRequest = all(details, "google.rpc.BadRequest").next().unwrap_or_default();
    let violation = |sent: pb::bad_request::FieldViolation| FieldViolation {
        field: sent.field,
        description: sent.description,
        reason: sent.reason,
        ..Default::default()
    };
    bad.field_violations.into_iter().map(violation).collect()
}

/// How long the server asks to wait: not less than nothing, and not longer than makes sense.
fn retry_after(details: &[Any]) -> Option<Duration> {
    let told = all::<pb::RetryInfo>(details, "google.rpc.RetryInfo").next()?.retry_delay?;
    let nanos = i128::from(told.seconds) * 1_000_000_000 + i128::from(told.nanos);
    let longest = i128::try_from(LONGEST_WAIT.as_nanos()).unwrap_or(i128::MAX);
    Some(Duration::from_nanos(nanos.clamp(0, longest).try_into().unwrap_or(u64::MAX)))
}

impl From<ValueError> for Error {
    fn from(error: ValueError) -> Self {
        Self::Value(error)
    }
}

impl From<PatchError> for Error {
    fn from(error: PatchError) -> Self {
        Self::Patch(error)
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(error) => error.fmt(f),
            Self::Patch(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
            Self::EtagMismatch { failure, .. }
            | Self::TwinHasRelationships { failure, .. }
            | Self::InvalidArgument { failure, .. }
            | Self::Throttled { failure, .. }
            | Self::Unavailable { failure, .. }
            | Self::Call(failure) => failure.fmt(f),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "[{reason}] {}", self.status.message())?,
            None => write!(f, "[{:?}] {}", self.status.code(), self.status.message())?,
        }
        match &self.call_id {
            Some(id) => write!(f, " (call id {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(error) => error.source(),
            _ => self.failure()?.status.source(),
        }
    }
}
