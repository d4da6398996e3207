//! Updates that meet other writers, and servers that leave out what they must not.

use std::sync::{Arc, Mutex};

use prost::Message as _;
use twinfront::{
    Error, Kind, Patch,
    tonic::{Code, Status},
    v1::{DigitalTwin, GetDigitalTwinResponse, UpdateDigitalTwinRequest, UpdateDigitalTwinResponse},
};

use super::serving::{Answer, End, OK, refused, serve};

fn twin(etag: &str) -> Option<DigitalTwin> {
    Some(DigitalTwin { etag: etag.into(), ..Default::default() })
}

/// Updates a twin whose reads and writes are answered so; gives the outcome, and how often it was read and written.
async fn update(
    digital_twin: Option<DigitalTwin>,
    mut write: impl FnMut() -> Answer + Send + 'static,
) -> (Result<String, Error>, usize, usize) {
    let counts = Arc::new(Mutex::new((0, 0)));
    let counted = counts.clone();
    let client = serve(move |method, request| {
        let mut counts = counted.lock().unwrap();
        if method == "GetDigitalTwin" {
            counts.0 += 1;
            let answer = GetDigitalTwinResponse { digital_twin: digital_twin.clone(), ..Default::default() };
            return (vec![answer.encode_to_vec()], OK());
        }
        counts.1 += 1;
        assert_eq!(UpdateDigitalTwinRequest::decode(request).unwrap().if_match, "read");
        write()
    })
    .await;
    let result = client.update_with_retry("room-001", 3, async |_| Ok(Some(Patch::new().replace("/a", 1)))).await;
    let (reads, writes) = *counts.lock().unwrap();
    (result, reads, writes)
}

fn failed(code: Code, reason: &str) -> Answer {
    (vec![], refused(code, reason))
}

#[tokio::test]
async fn an_update_is_tried_again_when_another_writer_was_faster() {
    let mut writes = 0;
    let (result, ..) = update(twin("read"), move || {
        writes += 1;
        if writes < 3 {
            return failed(Code::Aborted, "ETAG_MISMATCH");
        }
        (vec![UpdateDigitalTwinResponse { etag: "written".into() }.encode_to_vec()], OK())
    })
    .await;
    assert_eq!(result.unwrap(), "written");
    let (result, reads, writes) = update(twin("read"), || failed(Code::Aborted, "ETAG_MISMATCH")).await;
    assert!(result.unwrap_err().is(Kind::EtagMismatch));
    assert_eq!((reads, writes), (3, 3));
}

#[tokio::test]
async fn nothing_is_written_again_unless_the_server_says_that_the_etag_was_another() {
    for (answer, kind) in [
        (failed(Code::Aborted, ""), Kind::Aborted),
        (failed(Code::Aborted, "SOMETHING_NEW"), Kind::Aborted),
        (failed(Code::FailedPrecondition, "ETAG_MISMATCH"), Kind::FailedPrecondition),
        ((vec![], End::Status(Status::aborted("No."))), Kind::Aborted),
    ] {
        let (result, reads, writes) = update(twin("read"), move || answer.clone()).await;
        assert_eq!((result.unwrap_err().kind(), reads, writes), (kind, 1, 1));
    }
}

#[tokio::test]
async fn a_write_whose_answers_are_lost_is_not_read_for_again() {
    let (result, reads, writes) = update(twin("read"), || (vec![], End::Broken)).await;
    assert_eq!((result.unwrap_err().kind(), reads, writes), (Kind::Unavailable, 1, 5));
}

#[tokio::test]
async fn nothing_is_written_under_an_etag_that_was_not_given() {
    for digital_twin in [twin(""), None] {
        let (result, reads, writes) = update(digital_twin, || failed(Code::Aborted, "ETAG_MISMATCH")).await;
        assert_eq!((result.unwrap_err().kind(), reads, writes), (Kind::Other, 1, 0));
    }
}
