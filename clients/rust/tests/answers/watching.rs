//! Watches: what they tell, and how they go on where their streams end.

use std::sync::{Arc, Mutex};

use prost::Message as _;
use tokio_stream::StreamExt as _;
use twinfront::{
    Error, Kind, Resource, Watch, WatchItem,
    tonic::Code,
    v1::{ChangeFilter, ChangeKind, WatchRequest, WatchResponse, change, reset::Reason},
};

use super::{
    changes::{
        at, changes, checkpoint, created, end_of_state, items, relationship, relationships, reset, twin, updated,
    },
    serving::{Answer, End, OK, UNAVAILABLE, refused, serve, serve_to},
};

type Requests = Arc<Mutex<Vec<WatchRequest>>>;

/// A watch of a server that answers with these streams; one more than there are stays open. And what it was asked for.
async fn watch(request: WatchRequest, streams: impl Into<Vec<Answer>>) -> (Watch, Requests) {
    let requests = Requests::default();
    let (seen, mut streams) = (requests.clone(), streams.into().into_iter());
    let client = serve(move |_, request| {
        seen.lock().unwrap().push(WatchRequest::decode(request).unwrap());
        streams.next().unwrap_or((Vec::new(), End::Open))
    })
    .await;
    (client.watch(request), requests)
}

/// The ids of so many changes.
async fn ids(watch: &mut Watch, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.len() < count {
        if let WatchItem::Change(change) = watch.try_next().await.unwrap().unwrap().item {
            ids.push(change.id);
        }
    }
    ids
}

fn tokens(requests: &Requests) -> Vec<String> {
    requests.lock().unwrap().iter().map(|request| request.resume_token.clone()).collect()
}

/// The error that a watch ends with.
async fn end_of(watch: &mut Watch) -> Error {
    loop {
        if let Err(error) = watch.try_next().await.map(Option::unwrap) {
            assert!(watch.next().await.is_none());
            return error;
        }
    }
}

#[tokio::test]
async fn every_kind_of_item_is_told_with_the_token_behind_it() {
    let stream = vec![
        items("t1", [twin("a", 1)]),
        relationships("t2", [relationship("a", "r", "b")]),
        end_of_state("t3"),
        checkpoint("t4", 7),
        WatchResponse { resume_token: "t5".into(), item: None }.encode_to_vec(),
        reset("t6"),
        changes("t7", [updated("c1", twin("a", 2)), updated("c2", twin("a", 3))]),
    ];
    let (mut watch, _) = watch(WatchRequest::default(), [(stream, End::Open)]).await;
    let mut told = Vec::new();
    for _ in 0..7 {
        let next = watch.try_next().await.unwrap().unwrap();
        assert_eq!(watch.resume_token(), next.resume_token);
        told.push(next);
    }
    let tokens: Vec<_> = told.iter().map(|told| told.resume_token.as_str()).collect();
    assert_eq!(tokens, ["t1", "t2", "t3", "t4", "t6", "t6", "t7"], "of a message only the last item has its token");
    assert_eq!(told[0].item, WatchItem::InitialItem(twin("a", 1).into()));
    assert_eq!(told[1].item, WatchItem::InitialItem(Resource::from(relationship("a", "r", "b"))));
    assert_eq!(told[2].item, WatchItem::InitialStateEnd);
    assert!(matches!(&told[3].item, WatchItem::Checkpoint(checkpoint) if checkpoint.time == Some(at(7))));
    assert!(
        matches!(&told[4].item, WatchItem::Reset(reset) if reset.reason() == Reason::BulkJob && reset.job_id == "job")
    );
    let WatchItem::Change(change) = &told[5].item else { panic!("{:?}", told[5]) };
    assert_eq!((change.id.as_str(), change.kind()), ("c1", ChangeKind::TwinUpdated));
    assert_eq!(change.resource, Some(change::Resource::DigitalTwin(twin("a", 2))));
}

#[tokio::test]
async fn a_watch_goes_on_behind_the_last_message_wherever_its_stream_ends() {
    for end in [UNAVAILABLE(), refused(Code::Unavailable, "STREAM_NOT_READ"), End::Broken, OK()] {
        let filter = Some(ChangeFilter { digital_twin_ids: vec!["a".into()], ..Default::default() });
        let request = WatchRequest { filter: filter.clone(), start_time: Some(at(1)), ..Default::default() };
        let streams: Vec<_> = (1..=7)
            .map(|number| {
                (vec![changes(&format!("t{number}"), [created(&format!("c{number}"), twin("a", number))])], end.clone())
            })
            .collect();
        let (mut watch, requests) = watch(request, streams).await;
        assert_eq!(ids(&mut watch, 7).await, ["c1", "c2", "c3", "c4", "c5", "c6", "c7"]);
        assert_eq!(tokens(&requests)[..7], ["", "t1", "t2", "t3", "t4", "t5", "t6"]);
        let requests = requests.lock().unwrap();
        assert!(requests.iter().all(|request| request.filter == filter));
        let times: Vec<_> = requests.iter().map(|request| request.start_time.is_some()).collect();
        assert_eq!(times[..2], [true, false], "it does not begin at its time again");
    }
}

#[tokio::test]
async fn a_watch_begins_at_the_token_that_is_given() {
    let request = WatchRequest { resume_token: "t1".into(), ..Default::default() };
    let (mut watch, requests) = watch(request, [(vec![], UNAVAILABLE()), (vec![checkpoint("t2", 1)], End::Open)]).await;
    assert_eq!(watch.resume_token(), "t1");
    watch.try_next().await.unwrap();
    assert_eq!(watch.resume_token(), "t2");
    assert_eq!(tokens(&requests), ["t1", "t1"]);
}

#[tokio::test]
async fn a_change_that_comes_again_after_a_break_is_told_once() {
    let [one, two, three] = [1, 2, 3].map(|number| created(&format!("c{number}"), twin("a", number)));
    let streams =
        [(vec![changes("t1", [one, two.clone()])], UNAVAILABLE()), (vec![changes("t2", [two, three])], End::Open)];
    let (mut watch, _) = watch(WatchRequest::default(), streams).await;
    assert_eq!(ids(&mut watch, 3).await, ["c1", "c2", "c3"]);
}

#[tokio::test]
async fn behind_a_reset_a_change_is_told_again_as_the_state_may_be_from_before_it() {
    let one = updated("c1", twin("a", 2));
    let stream = vec![changes("t1", [one.clone()]), reset("t2"), items("t3", [twin("a", 1)]), changes("t4", [one])];
    let (mut watch, _) = watch(WatchRequest::default(), [(stream, End::Open)]).await;
    assert_eq!(ids(&mut watch, 2).await, ["c1", "c1"]);
}

#[tokio::test]
async fn a_watch_that_brings_nothing_or_is_led_nowhere_is_given_up() {
    let (mut nothing, requests) = watch(WatchRequest::default(), vec![(vec![], OK()); 10]).await;
    let error = end_of(&mut nothing).await;
    assert_eq!((error.kind(), error.attempts(), requests.lock().unwrap().len()), (Kind::Unavailable, 5, 5));
    for end in [UNAVAILABLE(), OK()] {
        let (mut nowhere, _) = watch(WatchRequest::default(), vec![(vec![checkpoint("t1", 1)], end); 10]).await;
        assert_eq!(end_of(&mut nowhere).await.kind(), Kind::Unavailable);
    }
}

#[tokio::test]
async fn a_message_without_a_token_is_an_answer_that_cannot_be_read() {
    let (mut watch, _) = watch(WatchRequest::default(), [(vec![checkpoint("", 1)], End::Open)]).await;
    let error = end_of(&mut watch).await;
    assert_eq!((error.code(), error.kind()), (Code::Internal, Kind::Other));
}

#[tokio::test]
async fn a_watch_that_cannot_go_on_says_why_at_once() {
    for (code, reason, kind) in [
        (Code::OutOfRange, "CHANGES_EXPIRED", Kind::ChangesExpired),
        (Code::InvalidArgument, "RESUME_TOKEN_INVALID", Kind::ResumeTokenInvalid),
        (Code::Unimplemented, "CHANGES_UNSUPPORTED", Kind::ChangesUnsupported),
    ] {
        let (mut watch, requests) = watch(WatchRequest::default(), [(vec![], refused(code, reason))]).await;
        assert_eq!(end_of(&mut watch).await.kind(), kind);
        assert_eq!(requests.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn without_retry_a_watch_ends_with_its_stream() {
    let client = serve_to(|_, _| (vec![checkpoint("t1", 1)], OK()), |builder| builder.without_retry()).await;
    let told: Vec<_> = client.watch(WatchRequest::default()).collect().await;
    assert_eq!(told.len(), 1);
}
