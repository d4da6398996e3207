//! Steps that are what the client does beside calls.

use serde_json::{Value as Json, json};
use tokio_stream::StreamExt as _;
use twinfront::{
    Client, ClientBuilder, Error, ItemOf, ListRequest, Patch, Tls, from_values,
    prost_types::Timestamp,
    to_values,
    v1::{
        BatchWriteDigitalTwinsRequest, CreateOrReplaceDigitalTwinRequest, DigitalTwin, DigitalTwinWriteResult,
        GetDigitalTwinRequest, ImportGraphRequest, ImportProgress, ListDeleteJobsRequest, ListEventRoutesRequest,
        ListImportJobsRequest, ListIncomingRelationshipsRequest, ListModelsRequest, ListRelationshipsRequest,
        QueryTwinsRequest, StreamQueryTwinsRequest, UpdateDigitalTwinRequest,
    },
};

use crate::{
    Result,
    described::{code_name, described},
    dynamic::{plain, typed},
    scene::at,
    tagged::{tagged, untagged},
};

pub(crate) async fn values(client: &Client, step: &Json) -> Result<Json> {
    let digital_twin = DigitalTwin {
        model_id: text(step, "modelId"),
        properties: to_values(untagged(&step["values"])?)?,
        ..Default::default()
    };
    let request = CreateOrReplaceDigitalTwinRequest {
        digital_twin_id: text(step, "digitalTwinId"),
        digital_twin: Some(digital_twin),
        ..Default::default()
    };
    client.digital_twins().create_or_replace_digital_twin(request).await?;
    let twin = read(client, &text(step, "digitalTwinId")).await?;
    Ok(tagged(from_values(twin.properties)?))
}

pub(crate) async fn patch(client: &Client, step: &Json) -> Result<Json> {
    let mut patch = Patch::new();
    for words in step["operations"].as_array().into_iter().flatten() {
        let word = words[1].as_str().unwrap_or_default();
        let path = match &words[1] {
            Json::Array(names) => twinfront::pointer(names.iter().filter_map(Json::as_str)),
            _ => word.to_owned(),
        };
        patch = match words[0].as_str() {
            Some("add") => patch.add(path, untagged(&words[2])?),
            Some("replace") => patch.replace(path, untagged(&words[2])?),
            Some("remove") => patch.remove(path),
            Some("migrate") => patch.migrate(word),
            Some("sourceTime") => patch.source_time(word, words[2].as_str().unwrap_or_default().parse::<Timestamp>()?),
            _ => return Err(format!("there is no operation {}", words[0]).into()),
        };
    }
    let request = UpdateDigitalTwinRequest {
        digital_twin_id: text(step, "digitalTwinId"),
        patch: patch.operations()?,
        ..Default::default()
    };
    plain(client.digital_twins().update_digital_twin(request).await?.get_ref())
}

pub(crate) async fn update_with_retry(client: &Client, step: &Json) -> Result<Json> {
    let (id, property) = (text(step, "digitalTwinId"), text(step, "property"));
    let interfere = step["interfere"].as_u64().unwrap_or(0);
    let attempts = step["attempts"].as_u64().unwrap_or(0).try_into()?;
    let counted = |twin: &DigitalTwin| twin.properties.get(&property).and_then(|value| value.as_i64()).unwrap_or(0);
    let counting = &|count: i64| Patch::new().replace([&property], count);
    let mut invocations = 0;
    let change = |twin: DigitalTwin| {
        invocations += 1;
        let (interferes, count) = (invocations <= interfere, counted(&twin));
        let other = UpdateDigitalTwinRequest { digital_twin_id: id.clone(), ..Default::default() };
        async move {
            if interferes {
                let patch = counting(count + 10).operations()?;
                client.digital_twins().update_digital_twin(UpdateDigitalTwinRequest { patch, ..other }).await?;
            }
            Ok(Some(counting(count + 1)))
        }
    };
    client.update_with_retry(&id, attempts, change).await?;
    Ok(json!({"invocations": invocations, "value": counted(&read(client, &id).await?)}))
}

pub(crate) async fn list_all(client: &Client, step: &Json) -> Result<Vec<String>> {
    match step["call"].as_str().unwrap_or_default() {
        "RelationshipService/ListRelationships" => listed::<ListRelationshipsRequest>(client, step).await,
        "RelationshipService/ListIncomingRelationships" => {
            listed::<ListIncomingRelationshipsRequest>(client, step).await
        }
        "ModelService/ListModels" => listed::<ListModelsRequest>(client, step).await,
        "EventRouteService/ListEventRoutes" => listed::<ListEventRoutesRequest>(client, step).await,
        "JobService/ListImportJobs" => listed::<ListImportJobsRequest>(client, step).await,
        "JobService/ListDeleteJobs" => listed::<ListDeleteJobsRequest>(client, step).await,
        "QueryService/QueryTwins" => listed::<QueryTwinsRequest>(client, step).await,
        other => Err(format!("{other} does not list").into()),
    }
}

async fn listed<R>(client: &Client, step: &Json) -> Result<Vec<String>>
where
    R: ListRequest + prost::Name + Default,
    ItemOf<R>: prost::Name,
{
    let mut items = client.items(typed::<R>(&step["request"])?);
    let mut ids = Vec::new();
    while let Some(item) = items.try_next().await? {
        ids.push(at(&plain(&item)?, step["id"].as_str().unwrap_or_default())?);
    }
    Ok(ids)
}

pub(crate) async fn batch_write(client: &Client, step: &Json) -> Result<Vec<Json>> {
    let request = typed::<BatchWriteDigitalTwinsRequest>(&step["request"])?;
    let answer = client.digital_twins().batch_write_digital_twins(request).await?.into_inner();
    let outcome = |result: DigitalTwinWriteResult| match Error::from_status(&result.status.unwrap_or_default()) {
        Some(error) => json!({"code": code_name(error.code()), "error": described(&error)}),
        None => Json::Null,
    };
    Ok(answer.results.into_iter().map(outcome).collect())
}

pub(crate) async fn stream_query(client: &Client, step: &Json) -> Result<Vec<Json>> {
    let request = StreamQueryTwinsRequest { query: text(step, "query"), ..Default::default() };
    let mut stream = client.stream_query(request);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        rows.push(tagged(from_values(row.fields)?));
    }
    Ok(rows)
}

pub(crate) async fn import_graph(client: &Client, step: &Json) -> Result<Json> {
    let ImportGraphRequest { options, items, .. } = typed(&step["request"])?;
    let mut reports = client.import_graph(options.unwrap_or_default(), move || tokio_stream::iter(items.clone()));
    let mut done = ImportProgress::default();
    while let Some(report) = reports.try_next().await? {
        done = report.progress.unwrap_or_default();
    }
    Ok(json!({"acknowledged": done.acknowledged_count, "digitalTwins": done.digital_twins_imported}))
}

pub(crate) fn dial(options: &Json) -> Result<Client> {
    let mut builder: ClientBuilder = Client::builder(text(options, "address"));
    if let Some(token) = options["token"].as_str() {
        builder = builder.token(token);
    }
    if options["insecure"] == true {
        builder = builder.insecure();
    }
    if options["tls"] == true {
        builder = builder.tls(Tls::new());
    }
    Ok(builder.build()?)
}

async fn read(client: &Client, id: &str) -> Result<DigitalTwin> {
    let request = GetDigitalTwinRequest { digital_twin_id: id.to_owned(), ..Default::default() };
    Ok(client.digital_twins().get_digital_twin(request).await?.into_inner().digital_twin.unwrap_or_default())
}

fn text(step: &Json, name: &str) -> String {
    step[name].as_str().unwrap_or_default().to_owned()
}
