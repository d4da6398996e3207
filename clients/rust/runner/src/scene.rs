//! One scenario, step by step.

use std::{collections::HashMap, time::Duration};

use serde_json::{Map, Value as Json, json};
use twinfront::{Client, Error, tonic::Status};

use crate::{
    Result,
    call::call,
    described::{code_name, described},
    helped, watching,
};

/// One scenario, and what its steps have saved.
pub(crate) struct Scene {
    client: Client,
    saved: HashMap<String, String>,
}

impl Scene {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, saved: HashMap::new() }
    }

    /// Executes a step and gives what is printed about it.
    pub(crate) async fn line(&mut self, step: &Json) -> Map<String, Json> {
        match self.executed(step).await {
            Ok(line) => line,
            Err(error) => {
                Map::from_iter([("code".into(), "RUNNER_ERROR".into()), ("message".into(), error.to_string().into())])
            }
        }
    }

    async fn executed(&mut self, step: &Json) -> Result<Map<String, Json>> {
        let step = self.filled_in(step)?;
        let mut line = Map::from_iter([("code".into(), Json::from("OK"))]);
        if let Err(error) = self.within_time(&step, &mut line).await {
            let error = match error.downcast::<Status>() {
                Ok(status) => Error::from(*status),
                Err(error) => *error.downcast::<Error>()?,
            };
            line.insert("code".into(), code_name(error.code()).into());
            line.insert("error".into(), described(&error));
        }
        for (name, path) in step["save"].as_object().into_iter().flatten() {
            let path = path.as_str().unwrap_or_default();
            let value = match line.get("response") {
                Some(response) if !path.starts_with("error.") => at(response, path),
                _ => at(&Json::Object(line.clone()), path),
            };
            self.saved.insert(name.clone(), value?);
        }
        Ok(line)
    }

    /// Executes a step, unless it is to be dropped before it ends.
    async fn within_time(&self, step: &Json, line: &mut Map<String, Json>) -> Result<()> {
        match step["cancelAfterMs"].as_u64() {
            Some(time) => tokio::time::timeout(Duration::from_millis(time), self.execute(step, line))
                .await
                .unwrap_or_else(|_| Err(Status::cancelled("the call was dropped").into())),
            None => self.execute(step, line).await,
        }
    }

    async fn execute(&self, step: &Json, line: &mut Map<String, Json>) -> Result<()> {
        let response = match step["do"].as_str() {
            None => return call(&self.client, step, line).await,
            Some("values") => helped::values(&self.client, step).await?,
            Some("patch") => helped::patch(&self.client, step).await?,
            Some("updateWithRetry") => helped::update_with_retry(&self.client, step).await?,
            Some("listAll") => json!({"ids": helped::list_all(&self.client, step).await?}),
            Some("batchWrite") => json!({"errors": helped::batch_write(&self.client, step).await?}),
            Some("streamQuery") => json!({"rows": helped::stream_query(&self.client, step).await?}),
            Some("watch") => watching::watch(&self.client, step).await?,
            Some("cache") => watching::cache(&self.client, step).await?,
            Some("importGraph") => helped::import_graph(&self.client, step).await?,
            Some("dial") => {
                if helped::dial(&step["options"]).is_err() {
                    line.insert("code".into(), "REFUSED".into());
                }
                return Ok(());
            }
            Some(other) => return Err(format!("there is no step {other}").into()),
        };
        line.insert("response".into(), response);
        Ok(())
    }

    /// A step with what earlier ones saved in the place of `${name}`.
    fn filled_in(&self, value: &Json) -> Result<Json> {
        Ok(match value {
            Json::String(text) => {
                let mut filled = text.clone();
                for (name, saved) in &self.saved {
                    filled = filled.replace(&format!("${{{name}}}"), saved);
                }
                if filled.contains("${") {
                    return Err(format!("nothing was saved for {text}").into());
                }
                filled.into()
            }
            Json::Array(items) => items.iter().map(|item| self.filled_in(item)).collect::<Result<Vec<_>>>()?.into(),
            Json::Object(members) => members
                .iter()
                .map(|(name, member)| Ok((name.clone(), self.filled_in(member)?)))
                .collect::<Result<Map<_, _>>>()?
                .into(),
            other => other.clone(),
        })
    }
}

/// The text at a path such as `digitalTwin.id`.
pub(crate) fn at(value: &Json, path: &str) -> Result<String> {
    let found = value.pointer(&twinfront::pointer(path.split('.'))).and_then(Json::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("there is no {path} in {value}").into())
}
