//! Executes the scenarios that all clients of twinfront have in common, and prints a line of JSON for each step: see
//! `clients/scenarios`.

mod call;
mod described;
mod dynamic;
mod helped;
mod scene;
mod tagged;

use std::{collections::HashMap, env, error::Error, fs};

use serde_json::Value as Json;
use twinfront::{Client, Tls};

use crate::scene::Scene;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut options = HashMap::new();
    let mut words = env::args().skip(1);
    let file = loop {
        let word = words.next().ok_or("usage: runner --address HOST:PORT [--ca FILE …] SCENARIOS.json")?;
        match word.strip_prefix("--") {
            Some(name) => options.insert(name.to_owned(), words.next().ok_or("an option without its value")?),
            None => break word,
        };
    };
    let client = dial(&options)?;
    let document: Json = serde_json::from_slice(&fs::read(file)?)?;
    for scenario in document["scenarios"].as_array().ok_or("there are no scenarios")? {
        let mut scene = Scene::new(client.clone());
        for (number, step) in scenario["steps"].as_array().into_iter().flatten().enumerate() {
            let mut line = scene.line(step).await;
            line.insert("scenario".into(), scenario["name"].clone());
            line.insert("step".into(), number.into());
            println!("{}", Json::Object(line));
        }
    }
    Ok(())
}

fn dial(options: &HashMap<String, String>) -> Result<Client> {
    let option = |name| options.get(name).cloned();
    let mut builder = Client::builder(option("address").ok_or("--address is missing")?);
    if let Some(token) = option("token") {
        builder = builder.token(token);
    }
    if let Some(ca) = option("ca") {
        let mut tls = Tls::new().ca(ca);
        if let (Some(cert), Some(key)) = (option("cert"), option("key")) {
            tls = tls.identity(cert, key);
        }
        if let Some(name) = option("server-name") {
            tls = tls.server_name(name);
        }
        builder = builder.tls(tls);
    } else if options.contains_key("token") {
        builder = builder.insecure();
    }
    Ok(builder.build()?)
}
