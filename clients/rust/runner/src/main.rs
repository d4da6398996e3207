//! Executes the scenarios that all clients of twinfront have in common, and prints a line of JSON for each step: see
//! `clients/scenarios`.

mod call;
mod described;
mod dynamic;
mod helped;
mod options;
mod scene;
mod tagged;
mod watching;

use std::{env, error::Error, fs};

use serde_json::Value as Json;
use twinfront::ClientBuilder;

use crate::{options::Options, scene::Scene};

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::of(env::args().skip(1))?;
    let client = options.dial(ClientBuilder::token)?;
    let file = options.other.ok_or("usage: runner --address HOST:PORT [--ca FILE …] SCENARIOS.json")?;
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
