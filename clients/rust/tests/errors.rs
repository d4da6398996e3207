//! Errors out of what servers answer.

use std::{collections::HashMap, error::Error as _, io, time::Duration};

use prost_types::Any;
use twinfront::{
    Error, Kind, prost_types,
    tonic::{Code, Status, metadata::MetadataMap},
    tonic_types::{self, ErrorDetails, StatusExt as _},
    v1::{EtagConflict, RelationshipsBlockingDelete, relationships_blocking_delete::BlockingRelationship},
};

fn details(reason: &str) -> ErrorDetails {
    let metadata = HashMap::from([("digital_twin_id".to_owned(), "room-001".to_owned())]);
    ErrorDetails::with_error_info(reason, "twinfront", metadata)
}

fn failure(code: Code, details: ErrorDetails) -> Error {
    let metadata = MetadataMap::from_headers(
        [("twinfront-call-id".parse().unwrap(), "r-1".parse().unwrap())].into_iter().collect(),
    );
    Status::with_error_details_and_metadata(code, "No.", details, metadata).into()
}

/// An error with a detail that is twinfront's own.
fn particular<M: prost::Name>(code: Code, reason: &str, detail: &M) -> Error {
    let plain = Status::with_error_details(code, "No.", details(reason));
    let mut sent: tonic_types::Status = prost::Message::decode(plain.details()).unwrap();
    let type_url = format!("type.googleapis.com/{}", M::full_name());
    sent.details.push(Any { type_url, value: detail.encode_to_vec() });
    Error::from_status(&sent).unwrap()
}

#[test]
fn an_etag_mismatch_carries_both_etags() {
    let conflict =
        EtagConflict { resource: "digitaltwins/room-001".into(), expected_etag: "a".into(), current_etag: "b".into() };
    let error = particular(Code::Aborted, "ETAG_MISMATCH", &conflict);
    assert!(error.is(Kind::EtagMismatch) && error.is(Kind::Aborted) && !error.is(Kind::NotFound));
    assert_eq!((error.code(), error.reason()), (Code::Aborted, Some("ETAG_MISMATCH")));
    assert_eq!(error.metadata()["digital_twin_id"], "room-001");
    assert_eq!(error.failure().unwrap().status.message(), "No.");
    match error {
        Error::EtagMismatch { resource, expected_etag, current_etag, .. } => {
            assert_eq!((resource.as_str(), expected_etag.as_str()), ("digitaltwins/room-001", "a"));
            assert_eq!(current_etag.as_deref(), Some("b"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_etag_that_could_not_be_read_is_none() {
    let conflict = EtagConflict { expected_etag: "a".into(), ..Default::default() };
    let error = particular(Code::Aborted, "ETAG_MISMATCH", &conflict);
    assert!(matches!(error, Error::EtagMismatch { current_etag: None, .. }));
}

#[test]
fn a_blocked_delete_names_the_relationships() {
    let blocking = RelationshipsBlockingDelete {
        incoming: vec![BlockingRelationship { source_id: "floor".into(), ..Default::default() }],
        incoming_total: 42,
        counts_are_lower_bounds: true,
        ..Default::default()
    };
    match particular(Code::FailedPrecondition, "TWIN_HAS_RELATIONSHIPS", &blocking) {
        Error::TwinHasRelationships { incoming, incoming_total: 42, counts_are_lower_bounds: true, .. } => {
            assert_eq!(incoming[0].source_id, "floor");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn throttling_says_when_to_try_again() {
    let mut details = details("UPSTREAM_THROTTLED");
    details.set_retry_info(Some(Duration::from_millis(1500)));
    let error = failure(Code::ResourceExhausted, details);
    assert!(error.is(Kind::Throttled) && error.is(Kind::ResourceExhausted));
    assert!(matches!(error, Error::Throttled { retry_after: Some(after), .. } if after == Duration::from_millis(1500)));
    let error = Error::from(Status::unavailable("no connection"));
    assert!(matches!(error, Error::Unavailable { retry_after: None, .. }));
}

#[test]
fn an_invalid_argument_names_the_fields() {
    let mut details = details("JSON_PATCH_INVALID");
    details.add_bad_request_violation("patch[0].path", "leads nowhere");
    let error = failure(Code::InvalidArgument, details);
    assert!(error.is(Kind::JsonPatchInvalid) && error.is(Kind::InvalidArgument));
    match error {
        Error::InvalidArgument { field_violations, .. } => assert_eq!(field_violations[0].field, "patch[0].path"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reason_that_is_not_known_goes_by_its_code() {
    assert_eq!(failure(Code::NotFound, details("SOMETHING_NEW")).kind(), Kind::NotFound);
    assert_eq!(failure(Code::Internal, details("INTERNAL")).kind(), Kind::Other);
    let foreign = ErrorDetails::with_error_info("TWIN_NOT_FOUND", "elsewhere", HashMap::new());
    let error = failure(Code::NotFound, foreign);
    assert_eq!((error.kind(), error.reason()), (Kind::NotFound, None));
}

#[test]
fn the_text_has_what_the_log_is_searched_for() {
    let error = failure(Code::NotFound, details("TWIN_NOT_FOUND"));
    assert_eq!(error.call_id(), Some("r-1"));
    assert_eq!(error.to_string(), "[TWIN_NOT_FOUND] No. (call id r-1)");
    assert_eq!(Error::from(Status::internal("No.")).to_string(), "[Internal] No.");
}

#[test]
fn what_broke_stays_the_source() {
    let mut status = Status::unavailable("the connection broke");
    status.set_source(std::sync::Arc::new(io::Error::from(io::ErrorKind::ConnectionReset)));
    assert!(Error::from(status).source().unwrap().is::<io::Error>());
}

#[test]
fn an_item_that_did_not_fail_has_no_error() {
    assert!(Error::from_status(&tonic_types::Status::default()).is_none());
}

/// An error with these details, of the types and bytes given.
fn with_details(code: Code, details: Vec<(&str, Vec<u8>)>) -> Error {
    let details = details.into_iter().map(|(type_url, value)| Any { type_url: type_url.into(), value }).collect();
    Error::from_status(&tonic_types::Status { code: code as i32, message: "No.".into(), details }).unwrap()
}

fn info(domain: &str, reason: &str) -> Vec<u8> {
    let info = tonic_types::pb::ErrorInfo { domain: domain.into(), reason: reason.into(), ..Default::default() };
    prost::Message::encode_to_vec(&info)
}

const INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";

#[test]
fn a_detail_that_cannot_be_read_leaves_the_others() {
    let broken = || vec![0xff; 3];
    for details in [
        vec![(INFO, info("twinfront", "TWIN_NOT_FOUND")), ("type.googleapis.com/google.rpc.DebugInfo", broken())],
        vec![("type.googleapis.com/google.rpc.BadRequest", broken()), (INFO, info("twinfront", "TWIN_NOT_FOUND"))],
        vec![(INFO, broken()), (INFO, info("twinfront", "TWIN_NOT_FOUND"))],
        vec![("", broken()), ("example.com/google.rpc.ErrorInfo", info("twinfront", "TWIN_NOT_FOUND"))],
    ] {
        assert_eq!(with_details(Code::NotFound, details).kind(), Kind::TwinNotFound);
    }
}

#[test]
fn the_first_reason_of_the_domain_counts() {
    let error = with_details(
        Code::NotFound,
        vec![
            (INFO, info("example.com", "ZZZ")),
            (INFO, info("twinfront", "TWIN_NOT_FOUND")),
            (INFO, info("twinfront", "MODEL_NOT_FOUND")),
        ],
    );
    assert_eq!((error.kind(), error.reason()), (Kind::TwinNotFound, Some("TWIN_NOT_FOUND")));
}

#[test]
fn a_reason_counts_only_with_its_code() {
    let error = with_details(Code::FailedPrecondition, vec![(INFO, info("twinfront", "ETAG_MISMATCH"))]);
    assert_eq!((error.kind(), error.reason()), (Kind::FailedPrecondition, Some("ETAG_MISMATCH")));
    assert!(!error.is(Kind::EtagMismatch) && !error.is(Kind::Aborted));
}

#[test]
fn details_of_another_code_than_the_status_do_not_count() {
    let sent = Status::with_error_details(Code::Aborted, "No.", details("ETAG_MISMATCH"));
    let error = Error::from(Status::with_details(Code::NotFound, "No.", sent.details().to_vec().into()));
    assert_eq!((error.kind(), error.reason()), (Kind::NotFound, None));
    let garbage = Error::from(Status::with_details(Code::NotFound, "No.", vec![0xff; 9].into()));
    assert_eq!((garbage.kind(), garbage.reason()), (Kind::NotFound, None));
}

#[test]
fn the_time_to_wait_is_between_nothing_and_a_day() {
    let day = 24 * 60 * 60;
    for (seconds, nanos, millis) in
        [(1, 500_000_000, 1500), (-5, 0, 0), (0, -1, 0), (1 << 62, 0, day * 1000), (i64::MAX, i32::MAX, day * 1000)]
    {
        let retry_delay = Some(twinfront::prost_types::Duration { seconds, nanos });
        let told = prost::Message::encode_to_vec(&tonic_types::pb::RetryInfo { retry_delay });
        match with_details(Code::Unavailable, vec![("type.googleapis.com/google.rpc.RetryInfo", told)]) {
            Error::Unavailable { retry_after: Some(after), .. } => assert_eq!(after, Duration::from_millis(millis)),
            other => panic!("{other:?}"),
        }
    }
}
