//! The cache of digital twins: that it shows what the service has, and tells each change of it once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use prost::Message as _;
use serde_json::json;
use tokio::{sync::Semaphore, time::timeout};
use twinfront::{
    Client, Kind, Resource, TwinCache, TwinCacheBuilder,
    prost_types::Timestamp,
    to_values,
    tonic::Code,
    v1::{
        Change, ChangeKind, Component, DigitalTwin, GetChangeLogResponse, InitialState, ListModelsRequest,
        ListModelsResponse, Model, OnExpired, WatchRequest, change,
    },
};

use super::{
    changes::{
        MODEL, at, change, changes, checkpoint, created, deleted, end_of_state, items, relationship, relationships,
        reset, twin, updated,
    },
    serving::{Answer, End, OK, UNAVAILABLE, refused, serve},
};

const SPECIAL: &str = "dtmi:example:MeetingRoom;1";

/// A server with the models, whose log has its newest change at a time, and that answers watches with these streams; one more
/// than there are stays open.
struct Scripted {
    streams: Vec<Answer>,
    newest: Option<Timestamp>,
    models: Option<End>,
}

impl Scripted {
    fn new(streams: impl Into<Vec<Answer>>) -> Self {
        Self { streams: streams.into(), newest: None, models: None }
    }

    async fn serve(self) -> (Client, Arc<Mutex<Vec<WatchRequest>>>) {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, mut streams) = (requests.clone(), self.streams.into_iter());
        let client = serve(move |method, request| match method {
            "Watch" => {
                seen.lock().unwrap().push(WatchRequest::decode(request).unwrap());
                streams.next().unwrap_or((Vec::new(), End::Open))
            }
            "GetChangeLog" => {
                (vec![GetChangeLogResponse { newest_time: self.newest, ..Default::default() }.encode_to_vec()], OK())
            }
            "ListModels" => self.models.clone().map_or_else(|| models(request), |end| (Vec::new(), end)),
            other => panic!("{other} was called"),
        })
        .await;
        (client, requests)
    }
}

/// Answers with models that extend others; one that is not among them is not found.
fn models(request: Bytes) -> Answer {
    let there = HashMap::from([(MODEL, json!([])), (SPECIAL, json!(MODEL))]);
    let wanted = ListModelsRequest::decode(request).unwrap().dependencies_for;
    if !wanted.iter().all(|id| there.contains_key(id.as_str())) {
        return (Vec::new(), refused(Code::NotFound, "MODEL_NOT_FOUND"));
    }
    let models = there.iter().map(|(id, extends)| Model {
        id: (*id).into(),
        dtdl_model: json!({"@id": id, "extends": extends}).to_string(),
        ..Default::default()
    });
    (vec![ListModelsResponse { models: models.collect(), ..Default::default() }.encode_to_vec()], OK())
}

/// What callbacks are told, as `+a`, `a 1>2` and `-a`.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn by(&self, builder: TwinCacheBuilder) -> TwinCacheBuilder {
        let [added, changed, removed] = [self.clone(), self.clone(), self.clone()];
        builder
            .added(move |after| added.note(format!("+{}", id(&after))))
            .changed(move |before, after| changed.note(format!("{} {}>{}", id(&after), n(&before), n(&after))))
            .removed(move |before| removed.note(format!("-{}", id(&before))))
    }

    fn note(&self, line: String) -> std::future::Ready<()> {
        self.0.lock().unwrap().push(line);
        std::future::ready(())
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Waits for so many lines, and gives them.
    async fn until(&self, count: usize) -> Vec<String> {
        until(|| self.lines().len() >= count).await;
        self.lines()
    }
}

fn id(resource: &Resource) -> &str {
    match resource {
        Resource::DigitalTwin(twin) => &twin.id,
        Resource::Relationship(one) => &one.id,
    }
}

fn n(resource: &Resource) -> String {
    match resource {
        Resource::DigitalTwin(twin) => twin.properties["n"].as_i64().unwrap().to_string(),
        Resource::Relationship(one) => one.target_id.clone(),
    }
}

async fn until(holds: impl Fn() -> bool) {
    timeout(Duration::from_secs(10), async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("it has to come");
}

async fn synced(cache: &TwinCache) {
    timeout(Duration::from_secs(10), cache.synced()).await.expect("it has to be synced").unwrap();
}

fn ids(twins: &[Arc<DigitalTwin>]) -> Vec<&str> {
    twins.iter().map(|twin| twin.id.as_str()).collect()
}

fn state() -> Vec<Vec<u8>> {
    vec![items("s1", [twin("a", 1), twin("b", 2)]), end_of_state("s2")]
}

fn with(mut messages: Vec<Vec<u8>>, more: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    messages.extend(more);
    messages
}

/// What a cache has told of a stream, once it has told so much.
async fn told_of(stream: Vec<Vec<u8>>, count: usize) -> (TwinCache, Vec<String>) {
    let (client, _) = Scripted::new([(stream, End::Open)]).serve().await;
    let told = Told::default();
    let cache = told.by(TwinCache::builder(&client).relationships()).start().unwrap();
    let lines = told.until(count).await;
    (cache, lines)
}

#[tokio::test]
async fn a_cache_shows_the_state_and_then_what_changes() {
    let later = [
        changes("t1", [created("c1", twin("c", 3)), updated("c2", twin("a", 10))]),
        changes("t2", [deleted("c3", twin("b", 2))]),
    ];
    let (cache, told) = told_of(with(state(), later), 5).await;
    assert_eq!(told, ["+a", "+b", "+c", "a 1>10", "-b"]);
    assert!(cache.is_synced() && cache.error().is_none());
    assert_eq!((ids(&cache.list()), cache.len(), cache.is_empty()), (vec!["a", "c"], 2, false));
    assert_eq!(cache.get("a").unwrap().properties["n"].as_i64(), Some(10));
    assert!(cache.get("b").is_none());
}

#[tokio::test]
async fn the_request_is_for_the_state_what_follows_and_the_resource_after_each_change() {
    let (client, requests) = Scripted::new([(state(), End::Open)]).serve().await;
    let cache = TwinCache::builder(&client).model_ids([MODEL]).relationships().start().unwrap();
    synced(&cache).await;
    let request = requests.lock().unwrap()[0].clone();
    assert_eq!((request.initial_state(), request.on_expired()), (InitialState::Graph, OnExpired::Resync));
    let filter = request.filter.unwrap();
    assert_eq!((filter.model_ids, filter.kinds), (vec![MODEL.to_owned()], vec![1, 2, 3, 4, 5, 6]));
}

#[tokio::test]
async fn synced_waits_for_the_whole_state() {
    let (client, _) = Scripted::new([(vec![items("s1", [twin("a", 1)])], End::Open)]).serve().await;
    let cache = TwinCache::builder(&client).start().unwrap();
    until(|| cache.get("a").is_some()).await;
    assert!(!cache.is_synced());
    assert!(timeout(Duration::from_millis(50), cache.synced()).await.is_err());
    cache.close();
    assert_eq!(cache.synced().await.unwrap_err().kind(), Kind::CallCancelled);
}

fn related(id: &str, kind: ChangeKind, one: twinfront::v1::Relationship) -> Change {
    change(id, kind, change::Resource::Relationship(one))
}

#[tokio::test]
async fn relationships_are_found_from_both_ends() {
    let stream = vec![
        items("s1", [twin("a", 1), twin("b", 2)]),
        relationships("s2", [relationship("a", "r1", "b"), relationship("a", "r2", "b")]),
        end_of_state("s3"),
        changes(
            "t1",
            [
                related("c1", ChangeKind::RelationshipDeleted, relationship("a", "r1", "b")),
                related("c2", ChangeKind::RelationshipCreated, relationship("a", "r2", "a")),
            ],
        ),
    ];
    let (cache, told) = told_of(stream, 6).await;
    assert_eq!(told, ["+a", "+b", "+r1", "+r2", "-r1", "r2 b>a"]);
    let found = |relationships: Vec<Arc<twinfront::v1::Relationship>>| {
        relationships.iter().map(|one| one.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(found(cache.relationships("a")), ["r2"]);
    assert_eq!(found(cache.incoming_relationships("a")), ["r2"]);
    assert!(cache.incoming_relationships("b").is_empty() && cache.get_relationship("a", "r1").is_none());
    assert_eq!(cache.get_relationship("a", "r2").unwrap().target_id, "a");
}

#[tokio::test]
async fn the_relationships_of_a_twin_that_is_gone_go_before_it() {
    let stream = vec![
        items("s1", [twin("a", 1), twin("b", 2)]),
        relationships("s2", [relationship("a", "r", "b"), relationship("b", "q", "a")]),
        end_of_state("s3"),
        changes("t1", [deleted("c1", twin("a", 1))]),
        reset("r1"),
        end_of_state("r2"),
    ];
    let (_, told) = told_of(stream, 8).await;
    assert_eq!(told[4..], ["-r", "-a", "-q", "-b"]);
}

#[tokio::test]
async fn with_a_twin_that_is_gone_for_this_caller_go_those_that_point_to_it() {
    let gone = Change { incoming_relationships_left: true, ..deleted("c1", twin("a", 1)) };
    let stream = vec![
        items("s1", [twin("a", 1), twin("b", 2)]),
        relationships("s2", [relationship("a", "r", "b"), relationship("b", "q", "a")]),
        end_of_state("s3"),
        changes("t1", [gone]),
    ];
    let (cache, told) = told_of(stream, 7).await;
    assert_eq!(told[4..], ["-r", "-q", "-a"]);
    assert!(cache.relationships("b").is_empty());
}

#[tokio::test]
async fn with_a_relationship_that_is_deleted_goes_no_other_one() {
    let deletion = related("c1", ChangeKind::RelationshipDeleted, relationship("a", "r", "b"));
    let stream = vec![
        items("s1", [twin("a", 1), twin("b", 2)]),
        relationships("s2", [relationship("a", "r", "b"), relationship("b", "q", "a")]),
        end_of_state("s3"),
        changes("t1", [Change { incoming_relationships_left: true, ..deletion }, deleted("c2", twin("b", 2))]),
    ];
    let (_, told) = told_of(stream, 7).await;
    assert_eq!(told[4..], ["-r", "-q", "-b"]);
}

#[tokio::test]
async fn twins_are_listed_by_model_with_its_descendants_and_by_prefix() {
    let of = |model: &str, one: DigitalTwin| DigitalTwin { model_id: model.into(), ..one };
    let twins = [twin("room-2", 1), of(SPECIAL, twin("room-1", 1)), twin("hall", 1), of("dtmi:gone;1", twin("x", 1))];
    let moved = updated("c1", of(SPECIAL, twin("hall", 2)));
    let (cache, _) = told_of(vec![items("s1", twins), end_of_state("s2"), changes("t1", [moved])], 5).await;
    assert_eq!(ids(&cache.list_by_model(SPECIAL).unwrap()), ["hall", "room-1"]);
    assert_eq!(ids(&cache.list_by_model(MODEL).unwrap()), ["hall", "room-1", "room-2"]);
    assert_eq!(ids(&cache.list_by_model("dtmi:gone;1").unwrap()), ["x"], "nobody knows what it extended");
    assert_eq!(ids(&cache.list_by_prefix("room-")), ["room-1", "room-2"]);
    assert!(cache.list_by_prefix("s").is_empty());
}

#[tokio::test]
async fn a_caller_who_may_not_read_models_is_told_so_when_he_lists_by_model() {
    let models = Some(refused(Code::PermissionDenied, "PERMISSION_DENIED"));
    let (client, _) = Scripted { models, ..Scripted::new([(state(), End::Open)]) }.serve().await;
    let cache = TwinCache::builder(&client).start().unwrap();
    synced(&cache).await;
    assert_eq!(cache.len(), 2);
    assert_eq!(cache.list_by_model(MODEL).unwrap_err().kind(), Kind::PermissionDenied);
}

#[tokio::test]
async fn twins_are_found_by_the_value_of_a_property() {
    let with = |id: &str, properties| DigitalTwin { properties: to_values(properties).unwrap(), ..twin(id, 1) };
    let mut first = with("a", json!({"n": 1, "labels": {"a/b": [1.0, "x"]}}));
    let component = Component { properties: to_values(json!({"setpoint": 20})).unwrap(), ..Default::default() };
    first.components.insert("thermostat".into(), component);
    let stream = vec![
        items("s1", [first, with("b", json!({"n": 1.0})), with("c", json!({"n": true}))]),
        end_of_state("s2"),
        changes("t1", [updated("c1", DigitalTwin { etag: "W/\"2\"".into(), ..with("b", json!({"n": 7})) })]),
    ];
    let (client, _) = Scripted::new([(stream, End::Open)]).serve().await;
    let pointers = ["/n", "/thermostat/setpoint", "/thermostat", "/labels/a~1b"];
    let cache = TwinCache::builder(&client).indexed(pointers).start().unwrap();
    until(|| !cache.find("/n", 7).unwrap().is_empty()).await;
    assert_eq!(ids(&cache.find("/n", 1).unwrap()), ["a"]);
    assert_eq!(ids(&cache.find("/n", true).unwrap()), ["c"]);
    assert_eq!(ids(&cache.find("/thermostat/setpoint", 20.0).unwrap()), ["a"]);
    assert_eq!(ids(&cache.find("/thermostat", json!({"setpoint": 20})).unwrap()), ["a"]);
    assert_eq!(ids(&cache.find("/labels/a~1b", json!([1, "x"])).unwrap()), ["a"]);
    assert!(cache.find("/n", "1").unwrap().is_empty());
    assert!(cache.find("/m", 1).is_err());
}

#[tokio::test]
async fn a_cache_goes_on_where_its_stream_ends_and_tells_nothing_twice() {
    for end in [UNAVAILABLE(), End::Broken, OK()] {
        let [first, last] = <[_; 2]>::try_from(state()).unwrap();
        let streams = [
            (vec![first], end.clone()),
            (vec![last], end.clone()),
            (vec![changes("t1", [updated("c1", twin("a", 5))])], end.clone()),
            (vec![changes("t2", [updated("c1", twin("a", 5)), updated("c2", twin("a", 6))])], end),
        ];
        let (client, requests) = Scripted::new(streams).serve().await;
        let told = Told::default();
        let cache = told.by(TwinCache::builder(&client)).start().unwrap();
        assert_eq!(told.until(4).await, ["+a", "+b", "a 1>5", "a 5>6"]);
        synced(&cache).await;
        let requests = requests.lock().unwrap();
        let tokens: Vec<_> = requests.iter().take(4).map(|request| request.resume_token.as_str()).collect();
        assert_eq!(tokens, ["", "s1", "s2", "t1"]);
    }
}

#[tokio::test]
async fn a_cache_goes_on_for_as_long_as_it_takes_and_shows_what_keeps_it() {
    let mut streams = vec![(state(), End::Status(twinfront::tonic::Status::internal("No.")))];
    streams.extend(vec![(vec![], refused(Code::Internal, "INTERNAL")); 2]);
    streams.push((vec![], End::Open));
    let (client, _) = Scripted::new(streams).serve().await;
    let cache = TwinCache::builder(&client).start().unwrap();
    until(|| cache.error().is_some_and(|error| error.reason() == Some("INTERNAL"))).await;
    assert_eq!(cache.len(), 2);
}

#[tokio::test]
async fn a_cache_that_cannot_be_followed_ends_and_says_why() {
    for (code, reason, kind) in [
        (Code::Unimplemented, "CHANGES_UNSUPPORTED", Kind::ChangesUnsupported),
        (Code::PermissionDenied, "PERMISSION_DENIED", Kind::PermissionDenied),
        (Code::Unauthenticated, "CREDENTIALS_INVALID", Kind::Unauthenticated),
    ] {
        let (client, requests) = Scripted::new([(vec![], refused(code, reason))]).serve().await;
        let cache = TwinCache::builder(&client).start().unwrap();
        assert_eq!(timeout(Duration::from_secs(10), cache.synced()).await.unwrap().unwrap_err().kind(), kind);
        assert_eq!(cache.ended().await.unwrap_err().kind(), kind);
        assert_eq!(requests.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn credentials_that_were_good_once_are_tried_again() {
    let expired = refused(Code::Unauthenticated, "CREDENTIALS_INVALID");
    let streams = [(state(), expired), (vec![changes("t1", [deleted("c1", twin("a", 1))])], End::Open)];
    let (client, _) = Scripted::new(streams).serve().await;
    let cache = TwinCache::builder(&client).start().unwrap();
    until(|| cache.is_synced() && cache.len() == 1).await;
}

#[tokio::test]
async fn behind_a_reset_only_what_is_another_is_told() {
    let anew = [reset("r1"), items("r2", [twin("a", 1)]), items("r3", [twin("c", 3)]), end_of_state("r4")];
    let (cache, told) = told_of(with(state(), anew), 4).await;
    assert_eq!(told, ["+a", "+b", "+c", "-b"]);
    assert_eq!(ids(&cache.list()), ["a", "c"]);
}

#[tokio::test]
async fn what_is_told_while_the_state_comes_is_part_of_it() {
    let stream = vec![
        items("s1", [twin("a", 1)]),
        changes("s2", [created("c1", twin("b", 2)), updated("c2", twin("a", 3))]),
        end_of_state("s3"),
        changes("t1", [created("c3", twin("c", 1))]),
    ];
    let (cache, told) = told_of(stream, 4).await;
    assert_eq!((told, cache.len()), (["+a", "+b", "a 1>3", "+c"].map(str::to_owned).to_vec(), 3));
}

#[tokio::test]
async fn a_token_that_is_no_longer_good_has_the_state_read_anew() {
    let streams = [
        (state(), refused(Code::InvalidArgument, "RESUME_TOKEN_INVALID")),
        (vec![items("s1", [twin("a", 1)]), end_of_state("s2")], End::Open),
    ];
    let (client, requests) = Scripted::new(streams).serve().await;
    let told = Told::default();
    let _cache = told.by(TwinCache::builder(&client)).start().unwrap();
    assert_eq!(told.until(3).await, ["+a", "+b", "-b"]);
    assert_eq!(requests.lock().unwrap()[1].resume_token, "");
}

#[tokio::test]
async fn what_is_known_already_is_not_told_again() {
    let known = changes("t1", [updated("c1", twin("a", 1)), updated("c2", twin("a", 2))]);
    let (_, told) = told_of(with(state(), [known]), 3).await;
    assert_eq!(told, ["+a", "+b", "a 1>2"]);
}

#[tokio::test]
async fn without_etags_of_changes_the_time_of_a_twin_says_what_it_has_in_it_already() {
    let old = |change| twinfront::v1::Change { etag: String::new(), time: Some(at(100)), ..change };
    let left = twinfront::v1::Change { resource: None, ..old(deleted("c3", twin("b", 2))) };
    let new = twinfront::v1::Change { etag: String::new(), time: Some(at(101)), ..updated("c4", twin("a", 6)) };
    let later = changes("t1", [old(created("c1", twin("a", 9))), old(deleted("c2", twin("a", 9))), left, new]);
    let (_, told) = told_of(with(state(), [later]), 4).await;
    assert_eq!(told, ["+a", "+b", "-b", "a 1>6"], "one that leaves what is watched was not deleted before");
}

#[tokio::test]
async fn a_saved_cache_is_told_what_it_has_missed_and_no_more() {
    let (cache, _) = told_of(state(), 2).await;
    synced(&cache).await;
    cache.close();
    cache.ended().await.unwrap();
    let missed = [changes("t1", [updated("c1", twin("a", 5))]), checkpoint("t2", 2000)];
    let scripted = Scripted { newest: Some(at(1500)), ..Scripted::new([(missed.to_vec(), End::Open)]) };
    let (client, requests) = scripted.serve().await;
    let told = Told::default();
    let again = told.by(TwinCache::builder(&client).relationships().saved(cache.save())).start().unwrap();
    assert_eq!(again.len(), 2);
    synced(&again).await;
    assert_eq!(told.lines(), ["a 1>5"]);
    let request = &requests.lock().unwrap()[0];
    assert_eq!((request.resume_token.as_str(), request.checkpoint_interval.unwrap().seconds), ("s2", 2));
}

#[tokio::test]
async fn a_saved_cache_that_has_missed_nothing_is_synced_at_once() {
    let (cache, _) = told_of(state(), 2).await;
    synced(&cache).await;
    let (client, _) = Scripted::new([]).serve().await;
    let again = TwinCache::builder(&client).saved(cache.save()).start().unwrap();
    synced(&again).await;
    assert_eq!(again.len(), 2);
}

#[tokio::test]
async fn what_is_saved_before_the_state_has_come_is_compared_with_it() {
    let (cache, _) = told_of(vec![items("s1", [twin("a", 1), twin("b", 2)])], 2).await;
    let (client, requests) =
        Scripted::new([(vec![items("s1", [twin("b", 2)]), end_of_state("s2")], End::Open)]).serve().await;
    let told = Told::default();
    let again = told.by(TwinCache::builder(&client).saved(cache.save())).start().unwrap();
    synced(&again).await;
    assert_eq!(told.lines(), ["-a"]);
    assert_eq!(requests.lock().unwrap()[0].resume_token, "");
}

/// A cache that saves itself in its callbacks: the states, each with what is told at that time.
async fn saved_while_told(stream: Vec<Vec<u8>>, count: usize) -> Vec<(String, Vec<u8>)> {
    let (client, _) = Scripted::new([(stream, End::Open)]).serve().await;
    let (cache, states) = (Arc::new(OnceLock::<TwinCache>::new()), Arc::new(Mutex::new(Vec::new())));
    let (held, kept) = (cache.clone(), states.clone());
    let save = move |line: String| {
        // The task has not begun before the test waits, and the cache is there by then.
        kept.lock().unwrap().push((line, held.get().unwrap().save()));
        std::future::ready(())
    };
    let started = TwinCache::builder(&client)
        .added({
            let save = save.clone();
            move |after| save(format!("+{}", id(&after)))
        })
        .changed({
            let save = save.clone();
            move |before, after| save(format!("{} {}>{}", id(&after), n(&before), n(&after)))
        })
        .removed(move |before| save(format!("-{}", id(&before))))
        .start()
        .unwrap();
    cache.set(started).unwrap();
    until(|| states.lock().unwrap().len() >= count).await;
    states.lock().unwrap().clone()
}

#[tokio::test]
async fn what_is_saved_within_a_message_is_told_once_after_the_restart() {
    let message = changes("t1", [2, 3, 4].map(|version| updated(&format!("c{version}"), twin("a", version))));
    let states = saved_while_told(with(state(), [message.clone()]), 5).await;
    let (_, saved) = states.iter().find(|(line, _)| line == "a 2>3").unwrap();
    let scripted = Scripted { newest: Some(at(2000)), ..Scripted::new([(vec![message], End::Open)]) };
    let told = Told::default();
    let (client, _) = scripted.serve().await;
    let _again = told.by(TwinCache::builder(&client).saved(saved.clone())).start().unwrap();
    assert_eq!(told.until(2).await, ["a 2>3", "a 3>4"], "the one that was being told, and those behind it");
}

#[tokio::test]
async fn what_is_saved_while_a_state_ends_is_compared_with_the_whole_state() {
    let anew = vec![reset("r1"), items("r2", [twin("a", 1)]), end_of_state("r3")];
    let states = saved_while_told(with(state(), anew.clone()), 3).await;
    let (_, saved) = states.iter().find(|(line, _)| line == "-b").unwrap();
    let (client, requests) = Scripted::new([(anew[1..].to_vec(), End::Open)]).serve().await;
    let told = Told::default();
    let again = told.by(TwinCache::builder(&client).saved(saved.clone())).start().unwrap();
    synced(&again).await;
    assert_eq!((told.lines(), ids(&again.list())), (vec!["-b".to_owned()], vec!["a"]));
    assert_eq!(requests.lock().unwrap()[0].resume_token, "");
}

#[tokio::test]
async fn what_was_not_saved_by_a_cache_is_refused() {
    let (client, _) = Scripted::new([]).serve().await;
    let (cache, _) = told_of(state(), 2).await;
    let saved = cache.save();
    for nothing in [&b""[..], b"{}", b"twinfront cache 1\n", b"twinfront cache 2\n\x00\x00", &saved[..saved.len() - 1]]
    {
        assert!(TwinCache::builder(&client).saved(nothing).start().is_err(), "{nothing:?}");
    }
}

#[tokio::test]
async fn a_callback_that_panics_does_not_end_the_cache() {
    let (client, _) = Scripted::new([(state(), End::Open)]).serve().await;
    let cache =
        TwinCache::builder(&client).added(|after| async move { panic!("no room for {after:?}") }).start().unwrap();
    synced(&cache).await;
    assert_eq!(cache.len(), 2);
}

#[tokio::test]
async fn nothing_else_is_shown_while_a_callback_runs() {
    let padding = "x".repeat(100_000);
    let messages = (0..1000).map(|number| {
        let properties = to_values(json!({"text": padding})).unwrap();
        items(&format!("s{number}"), [DigitalTwin { properties, ..twin(&format!("t{number}"), number) }])
    });
    let (client, _) = Scripted::new([(with(messages.collect(), [end_of_state("end")]), End::Open)]).serve().await;
    let may_go_on = Arc::new(Semaphore::new(1));
    let permits = may_go_on.clone();
    let wait = move |_| {
        let permits = permits.clone();
        async move { permits.acquire().await.unwrap().forget() }
    };
    let cache = TwinCache::builder(&client).added(wait).start().unwrap();
    until(|| cache.len() == 2).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(cache.len(), 2, "the second is being told");
    may_go_on.add_permits(1000);
    synced(&cache).await;
    assert_eq!(cache.len(), 1000);
}

#[tokio::test]
async fn closing_a_cache_ends_it_wherever_it_is() {
    let soon = Duration::from_secs(5);
    for streams in [vec![(state(), End::Open)], vec![], vec![(vec![], UNAVAILABLE()); 20]] {
        let (client, _) = Scripted::new(streams).serve().await;
        let cache = TwinCache::builder(&client).start().unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        cache.close();
        timeout(soon, cache.ended()).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_callback_may_close_the_cache_and_is_the_last_one() {
    let states = Arc::new(OnceLock::<TwinCache>::new());
    let (cache, told) = (states.clone(), Told::default());
    let (client, _) = Scripted::new([(state(), End::Open)]).serve().await;
    let noted = told.clone();
    let close = move |after: Resource| {
        cache.get().expect("the test's own task has not waited yet").close();
        noted.note(format!("+{}", id(&after)))
    };
    let started = TwinCache::builder(&client).added(close).start().unwrap();
    states.set(started).unwrap();
    timeout(Duration::from_secs(5), states.get().unwrap().ended()).await.unwrap().unwrap();
    assert_eq!((told.lines(), states.get().unwrap().len()), (vec!["+a".to_owned()], 1));
}
