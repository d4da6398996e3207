//! Reads and writes on one client until its input ends, and prints how that goes: see `clients/scenarios`.

mod callers;

use std::{collections::HashMap, env, error::Error, sync::Arc, time::Duration};

use serde_json::json;
use tokio::{io::AsyncReadExt as _, task::JoinSet};
use twinfront::{Client, Tls};

use crate::callers::Callers;

/// Each has a writer of its own, and a reader.
const TWINS: u32 = 4;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut options = HashMap::new();
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").ok_or("usage: load --address TARGET --prefix NAME [--ca FILE …]")?;
        options.insert(name.to_owned(), words.next().ok_or("an option without its value")?);
    }
    let prefix = options.get("prefix").ok_or("--prefix is missing")?;
    let callers = Arc::new(Callers::new(dial(&options)?));
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

fn dial(options: &HashMap<String, String>) -> Result<Client, Box<dyn Error>> {
    let option = |name| options.get(name).cloned();
    let mut builder = Client::builder(option("address").ok_or("--address is missing")?);
    if let Some(file) = option("token") {
        builder = builder.token_source(move || {
            let file = file.clone();
            async move { tokio::fs::read_to_string(file).await.map(|text| text.trim().to_owned()) }
        });
    }
    if let Some(ca) = option("ca") {
        let tls = Tls::new().ca(ca);
        builder = builder.tls(match option("server-name") {
            Some(name) => tls.server_name(name),
            None => tls,
        });
    } else if options.contains_key("token") {
        builder = builder.insecure();
    }
    Ok(builder.build()?)
}
