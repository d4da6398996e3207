//! Messages of a watch.

use prost::Message as _;
use twinfront::{
    prost_types::Timestamp,
    to_values,
    v1::{
        Change, ChangeKind, Changes, Checkpoint, DigitalTwin, InitialItems, InitialStateEnd, Relationship, Reset,
        WatchResponse, change::Resource, reset::Reason, watch_response::Item,
    },
};

pub(super) const MODEL: &str = "dtmi:example:Room;1";

/// A twin whose etag has the number.
pub(super) fn twin(id: &str, n: i64) -> DigitalTwin {
    DigitalTwin {
        id: id.into(),
        etag: format!("W/\"{n}\""),
        model_id: MODEL.into(),
        properties: to_values(serde_json::json!({"n": n})).unwrap(),
        last_update_time: Some(at(100)),
        ..Default::default()
    }
}

pub(super) fn relationship(source: &str, id: &str, target: &str) -> Relationship {
    let etag = format!("W/\"to {target}\"");
    Relationship { id: id.into(), etag, source_id: source.into(), target_id: target.into(), ..Default::default() }
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 0 }
}

pub(super) fn change(id: &str, kind: ChangeKind, resource: impl Into<Option<Resource>>) -> Change {
    let resource = resource.into();
    let (digital_twin_id, relationship_id, etag) = match &resource {
        Some(Resource::DigitalTwin(twin)) => (twin.id.clone(), String::new(), twin.etag.clone()),
        Some(Resource::Relationship(one)) => (one.source_id.clone(), one.id.clone(), one.etag.clone()),
        _ => Default::default(),
    };
    let time = Some(at(1000));
    Change {
        id: id.into(),
        kind: kind.into(),
        time,
        digital_twin_id,
        relationship_id,
        etag,
        resource,
        ..Default::default()
    }
}

pub(super) fn created(id: &str, twin: DigitalTwin) -> Change {
    change(id, ChangeKind::TwinCreated, Resource::DigitalTwin(twin))
}

pub(super) fn updated(id: &str, twin: DigitalTwin) -> Change {
    change(id, ChangeKind::TwinUpdated, Resource::DigitalTwin(twin))
}

pub(super) fn deleted(id: &str, twin: DigitalTwin) -> Change {
    change(id, ChangeKind::TwinDeleted, Resource::DigitalTwin(twin))
}

pub(super) fn changes(token: &str, changes: impl Into<Vec<Change>>) -> Vec<u8> {
    message(token, Item::Changes(Changes { changes: changes.into() }))
}

pub(super) fn items(token: &str, digital_twins: impl Into<Vec<DigitalTwin>>) -> Vec<u8> {
    message(token, Item::InitialItems(InitialItems { digital_twins: digital_twins.into(), ..Default::default() }))
}

pub(super) fn relationships(token: &str, relationships: impl Into<Vec<Relationship>>) -> Vec<u8> {
    message(token, Item::InitialItems(InitialItems { relationships: relationships.into(), ..Default::default() }))
}

pub(super) fn end_of_state(token: &str) -> Vec<u8> {
    message(token, Item::InitialStateEnd(InitialStateEnd {}))
}

pub(super) fn checkpoint(token: &str, seconds: i64) -> Vec<u8> {
    message(token, Item::Checkpoint(Checkpoint { time: Some(at(seconds)) }))
}

pub(super) fn reset(token: &str) -> Vec<u8> {
    message(token, Item::Reset(Reset { reason: Reason::BulkJob.into(), job_id: "job".into() }))
}

fn message(token: &str, item: Item) -> Vec<u8> {
    WatchResponse { resume_token: token.into(), item: Some(item) }.encode_to_vec()
}
