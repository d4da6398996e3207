//! Steps that follow the graph.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Map, Value as Json, json};
use tokio::sync::watch;
use tokio_stream::StreamExt as _;
use twinfront::{
    Client, Resource, TwinCache, TwinCacheBuilder, WatchItem, from_value, from_values,
    v1::{self, JsonPatchOperation, Relationship, WatchRequest, json_patch_operation::Op, reset::Reason},
};

use crate::{
    Result,
    dynamic::typed,
    tagged::{tagged, untagged},
};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn watch(client: &Client, step: &Json) -> Result<Json> {
    let mut watch = client.watch(typed::<WatchRequest>(&step["request"])?);
    let take = step["take"].as_u64().unwrap_or(0);
    let mut items = Vec::new();
    while let Some(told) = watch.try_next().await? {
        if !matches!(told.item, WatchItem::Checkpoint(_)) {
            items.push(item(told.item)?);
        }
        if items.len() as u64 >= take {
            break;
        }
    }
    Ok(json!({"items": items, "resumeToken": watch.resume_token()}))
}

pub(crate) async fn cache(client: &Client, step: &Json) -> Result<Json> {
    let (sender, mut told) = watch::channel(Vec::<String>::new());
    let sender = Arc::new(sender);
    let tell = move |line: String| {
        sender.send_modify(|lines| lines.push(line));
        std::future::ready(())
    };
    let (added, changed, removed) = (tell.clone(), tell.clone(), tell);
    let cache = asked_for(client, &step["cache"])?
        .added(move |after| added(format!("+{}", name(&after))))
        .changed(move |before, after| changed(format!("{} {}>{}", name(&after), count(&before), count(&after))))
        .removed(move |before| removed(format!("-{}", name(&before))))
        .start()?;
    let number = step["told"].as_u64().unwrap_or(0);
    tokio::time::timeout(PATIENCE, cache.synced()).await??;
    tokio::time::timeout(PATIENCE, told.wait_for(|lines| lines.len() as u64 >= number)).await??;
    cache.close();
    cache.ended().await?;
    let twins = cache.list();
    let related: Vec<Arc<Relationship>> = twins.iter().flat_map(|twin| cache.relationships(&twin.id)).collect();
    let mut response = json!({
        "told": *told.borrow(),
        "ids": ids(&twins),
        "relationships": related.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(),
        "saved": BASE64_STANDARD.encode(cache.save()),
    });
    if let Some(model) = step["model"].as_str() {
        response["ofModel"] = json!(ids(&cache.list_by_model(model)?));
    }
    if let Some(pointer) = step["find"][0].as_str() {
        response["found"] = json!(ids(&cache.find(pointer, untagged(&step["find"][1])?)?));
    }
    Ok(response)
}

fn asked_for(client: &Client, wanted: &Json) -> Result<TwinCacheBuilder> {
    let texts = |name: &str| {
        let each = wanted[name].as_array().into_iter().flatten();
        each.filter_map(Json::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut builder = TwinCache::builder(client)
        .digital_twin_ids(texts("digitalTwinIds"))
        .digital_twin_id_prefixes(texts("digitalTwinIdPrefixes"))
        .model_ids(texts("modelIds"))
        .relationship_names(texts("relationshipNames"))
        .indexed(texts("indexed"));
    if wanted["relationships"] == true {
        builder = builder.relationships();
    }
    if let Some(saved) = wanted["saved"].as_str() {
        builder = builder.saved(BASE64_STANDARD.decode(saved)?);
    }
    Ok(builder)
}

fn ids(twins: &[Arc<v1::DigitalTwin>]) -> Vec<&str> {
    twins.iter().map(|twin| twin.id.as_str()).collect()
}

/// The id of a twin, and of a relationship both.
fn name(resource: &Resource) -> String {
    match resource {
        Resource::DigitalTwin(twin) => twin.id.clone(),
        Resource::Relationship(one) => format!("{}/{}", one.source_id, one.id),
    }
}

fn count(resource: &Resource) -> i64 {
    match resource {
        Resource::DigitalTwin(twin) => twin.properties.get("n").and_then(|value| value.as_i64()).unwrap_or_default(),
        Resource::Relationship(_) => 0,
    }
}

fn item(item: WatchItem) -> Result<Json> {
    let told = match item {
        WatchItem::Change(change) => {
            let mut told = json!({
                "item": "change",
                "kind": change.kind().as_str_name(),
                "digitalTwinId": change.digital_twin_id,
                "relationshipId": change.relationship_id,
                "modelId": change.model_id,
                "patch": change.patch.iter().map(operation).collect::<Result<Vec<_>>>()?,
            });
            match change.resource {
                Some(v1::change::Resource::DigitalTwin(twin)) => add(&mut told, twin.into())?,
                Some(v1::change::Resource::Relationship(one)) => add(&mut told, one.into())?,
                _ => {}
            }
            told
        }
        WatchItem::InitialItem(resource) => {
            let mut told = json!({"item": "initialItem"});
            add(&mut told, resource)?;
            told
        }
        WatchItem::InitialStateEnd => json!({"item": "initialStateEnd"}),
        WatchItem::Checkpoint(_) => json!({"item": "checkpoint"}),
        WatchItem::Reset(reset) => {
            let reason: Reason = reset.reason();
            json!({"item": "reset", "reason": reason.as_str_name(), "jobId": reset.job_id})
        }
    };
    let members = told.as_object().into_iter().flatten();
    let there = members.filter(|(_, value)| **value != json!("") && **value != json!([]));
    Ok(Json::Object(there.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>()))
}

fn operation(operation: &JsonPatchOperation) -> Result<Json> {
    let word = match operation.op() {
        Op::Add => "add",
        Op::Replace => "replace",
        Op::Remove => "remove",
        other => other.as_str_name(),
    };
    let value = match &operation.value {
        Some(value) => tagged(from_value(value.clone())?),
        None => Json::Null,
    };
    Ok(json!([word, operation.path, value]))
}

fn add(told: &mut Json, resource: Resource) -> Result<()> {
    match resource {
        Resource::DigitalTwin(twin) => {
            let properties = tagged(from_values(twin.properties.clone())?);
            told["digitalTwin"] = json!({"id": twin.id, "properties": properties});
        }
        Resource::Relationship(one) => told["relationship"] = json!({"id": one.id, "targetId": one.target_id}),
    }
    Ok(())
}
