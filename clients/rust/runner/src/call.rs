//! Steps that are calls.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use twinfront::{
    Client, Connection,
    tonic::{
        Request, Status,
        client::Grpc,
        metadata::{MetadataKey, MetadataMap},
    },
};

use crate::{
    Result,
    dynamic::{DynamicCodec, json_of, method, parsed},
};

/// Makes the call of a step; what it answers goes into the line, be it an error in the end.
pub(crate) async fn call(client: &Client, step: &Json, line: &mut Map<String, Json>) -> Result<()> {
    let mut trailers = MetadataMap::new();
    let result = answered(client, step, line, &mut trailers).await;
    if let Some(status) = result.as_ref().err().and_then(|error| error.downcast_ref::<Status>()) {
        trailers = status.metadata().clone();
    }
    if let Some(names) = step["trailers"].as_array() {
        let came = names.iter().filter_map(Json::as_str).map(|name| (name, trailers.contains_key(name)));
        line.insert("trailers".into(), came.map(|(name, came)| (name.to_owned(), Json::from(came))).collect());
    }
    result
}

async fn answered(
    client: &Client,
    step: &Json,
    line: &mut Map<String, Json>,
    trailers: &mut MetadataMap,
) -> Result<()> {
    let method = method(step["call"].as_str().unwrap_or_default())?;
    let nothing = json!({});
    let one = step.get("request").unwrap_or(&nothing);
    let messages = match step.get("requests") {
        Some(Json::Array(requests)) => {
            requests.iter().map(|request| parsed(method.input(), request)).collect::<Result<Vec<_>>>()?
        }
        _ => vec![parsed(method.input(), one)?],
    };
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name()).parse()?;
    let codec = DynamicCodec(method.output());
    // The connection has a limit of its own, as it has for the clients that it gives.
    let mut grpc: Grpc<Connection> = Grpc::new(client.connection()).max_decoding_message_size(usize::MAX);
    if !method.is_client_streaming() && !method.is_server_streaming() {
        let message = messages.into_iter().next().ok_or("a call without a request")?;
        let answer = grpc.unary(with_metadata(message, step)?, path, codec).await?;
        *trailers = answer.metadata().clone();
        line.insert("response".into(), json_of(answer.get_ref())?);
        return Ok(());
    }
    line.insert("responses".into(), json!([]));
    let request = with_metadata(tokio_stream::iter(messages), step)?;
    let mut stream = grpc.streaming(request, path, codec).await?.into_inner();
    let take = step["take"].as_u64();
    while let Some(message) = stream.message().await? {
        let responses = line["responses"].as_array_mut().ok_or("the responses are gone")?;
        responses.push(json_of(&message)?);
        if take == Some(responses.len() as u64) {
            return Ok(());
        }
    }
    *trailers = stream.trailers().await?.unwrap_or_default();
    Ok(())
}

fn with_metadata<T>(message: T, step: &Json) -> Result<Request<T>> {
    let mut request = Request::new(message);
    if let Some(timeout) = step["timeoutMs"].as_u64() {
        request.set_timeout(Duration::from_millis(timeout));
    }
    for (name, value) in step["metadata"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default().parse()?;
        request.metadata_mut().insert(MetadataKey::from_bytes(name.as_bytes())?, value);
    }
    Ok(request)
}
