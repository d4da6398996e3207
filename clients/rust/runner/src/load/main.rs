//! Reads and writes on one client until its input ends, and prints how that goes: see `clients/scenarios`.

mod callers;
#[path = "../options.rs"]
mod options;

use std::{env, error::Error, sync::Arc, time::Duration};

use serde_json::json;
use tokio::{io::AsyncReadExt as _, task::JoinSet};
use twinfront::ClientBuilder;

use crate::{callers::Callers, options::Options};

/// Each has a writer of its own, and a reader.
const TWINS: u32 = 4;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let options = Options::of(env::args().skip(1))?;
    if options.other.is_some() {
        return Err("usage: load --address TARGET --prefix NAME [--ca FILE …]".into());
    }
    let prefix = options.get("prefix")?;
    let callers = Arc::new(Callers::new(options.dial(with_token_in)?));
    let mut calling = JoinSet::new();
    for number in 0..TWINS {
        let id = format!("{prefix}-{number}");
        calling.spawn(callers.clone().write(id.clone()));
        calling.spawn(callers.clone().read(id));
    }
    calling.spawn(callers.clone().import(format!("{prefix}-import")));
    let mut input_ends = tokio::spawn(async { tokio::io::stdin().read_to_end(&mut Vec::new()).await });
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            _ = ticks.tick() => println!("{}", json!({"calls": callers.told().calls})),
            _ = &mut input_ends => break,
        }
    }
    callers.stop();
    while let Some(ended) = calling.join_next().await {
        ended?;
    }
    println!("{}", serde_json::to_string(&*callers.told())?);
    Ok(())
}

/// Has the file with the token read for each call.
fn with_token_in(builder: ClientBuilder, file: String) -> ClientBuilder {
    builder.token_source(move || {
        let file = file.clone();
        async move { tokio::fs::read_to_string(file).await.map(|text| text.trim().to_owned()) }
    })
}
