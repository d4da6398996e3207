use std::{error::Error as StdError, iter, sync::Arc};

use http::{HeaderMap, HeaderValue};
use tonic::{Code, ConnectError, Status, TimeoutExpired};

use super::deadline;

/// Gives what broke on the way the code that all clients of gRPC give it: where the connection could not be made or was
/// lost it is UNAVAILABLE, which tonic knows for the first of these only.
///
/// A status that the server sent, or that was made on purpose, stays as it is.
pub(super) fn status_of(status: Status) -> Status {
    let causes = || iter::successors(status.source(), |&cause| cause.source());
    if causes().any(|cause| cause.is::<TimeoutExpired>()) {
        return deadline::exceeded();
    }
    if causes().next().is_none() || causes().any(|cause| cause.is::<Status>()) {
        return status;
    }
    let reset = causes().find_map(|cause| cause.downcast_ref::<h2::Error>()).filter(|error| error.is_reset());
    let code = reset.and_then(h2::Error::reason).map_or(Code::Unavailable, code_of_reset);
    // Outer errors say little beside that there is an inner one, and some write it out as well.
    let message = match causes().find(|cause| cause.is::<ConnectError>()) {
        Some(_) => format!("cannot connect: {}", innermost(&status)),
        None => format!("the connection broke: {}", innermost(&status)),
    };
    let mut known = Status::new(code, message);
    known.set_source(Arc::new(status));
    known
}

/// Tells whether a call failed for want of a connection, or was handed back by the server as one that it has not begun.
pub(crate) fn was_never_sent(status: &Status) -> bool {
    iter::successors(status.source(), |&cause| cause.source()).any(|cause| {
        let reset = cause.downcast_ref::<h2::Error>().filter(|error| error.is_reset());
        cause.is::<ConnectError>() || reset.and_then(h2::Error::reason) == Some(h2::Reason::REFUSED_STREAM)
    })
}

/// Makes UNAVAILABLE of a CANCELLED that the server sent: a stopping one says so to the calls that it has not begun, and a
/// proxy to those that it drops. Who cancels a call here drops it, and gets no status.
pub(super) fn correct_status(headers: &mut HeaderMap) {
    if headers.get(Status::GRPC_STATUS).is_some_and(|code| Code::from_bytes(code.as_bytes()) == Code::Cancelled) {
        let said = headers.get(Status::GRPC_MESSAGE).map_or(&[][..], HeaderValue::as_bytes);
        let message = [b"the server ended the call without an answer: ", said].concat();
        headers.insert(Status::GRPC_STATUS, (Code::Unavailable as i32).into());
        headers.insert(Status::GRPC_MESSAGE, HeaderValue::from_bytes(&message).expect("a header value stays one"));
    }
}

/// Maps a reset as gRPC's specification does; but where that says CANCELLED, nobody here has cancelled.
fn code_of_reset(reason: h2::Reason) -> Code {
    match reason {
        h2::Reason::REFUSED_STREAM | h2::Reason::CANCEL => Code::Unavailable,
        h2::Reason::ENHANCE_YOUR_CALM => Code::ResourceExhausted,
        h2::Reason::INADEQUATE_SECURITY => Code::PermissionDenied,
        _ => Code::Internal,
    }
}

fn innermost(status: &Status) -> String {
    let mut cause: &dyn StdError = status;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn broken(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Status {
        status_of(Status::from_error(error.into()))
    }

    #[test]
    fn a_lost_connection_is_unavailable() {
        let status = broken(io::Error::new(io::ErrorKind::ConnectionReset, "reset by peer"));
        assert_eq!((status.code(), status.message()), (Code::Unavailable, "the connection broke: reset by peer"));
        assert!(status.source().is_some() && !was_never_sent(&status));
    }

    #[test]
    fn a_server_that_is_not_there_is_unavailable() {
        let status = broken(ConnectError(io::Error::other("connection refused").into()));
        assert_eq!((status.code(), status.message()), (Code::Unavailable, "cannot connect: connection refused"));
        assert!(was_never_sent(&status) && was_never_sent(&status.clone()));
    }

    #[test]
    fn a_stream_that_was_reset_is_what_the_reset_says() {
        assert_eq!(code_of_reset(h2::Reason::REFUSED_STREAM), Code::Unavailable);
        assert_eq!(code_of_reset(h2::Reason::CANCEL), Code::Unavailable);
        assert_eq!(code_of_reset(h2::Reason::PROTOCOL_ERROR), Code::Internal);
    }

    #[test]
    fn a_status_of_the_server_stays() {
        let status = status_of(Status::unknown("lost"));
        assert_eq!((status.code(), status.message()), (Code::Unknown, "lost"));
        assert!(!was_never_sent(&status));
    }
}
