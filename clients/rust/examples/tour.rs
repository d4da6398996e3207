//! The code of the README, run: needs a server at `TWINFRONT_ADDRESS`, or at localhost:50051.

#![expect(unreachable_pub, reason = "it is written as in a library, where it would be reached")]

use twinfront::{
    Client, Error, Kind,
    v1::{
        CreateModelsRequest, CreateOrReplaceRelationshipRequest, DigitalTwin, GetChangeLogRequest, GraphItem,
        Relationship, WatchRequest, graph_item::Item,
    },
};

const ROOM: &str = r#"{
  "@context": "dtmi:dtdl:context;3",
  "@id": "dtmi:example:rust:Tour;1",
  "@type": "Interface",
  "contents": [
    {"@type": "Property", "name": "temperature", "schema": "double"},
    {"@type": "Property", "name": "seats", "schema": "integer"},
    {"@type": "Relationship", "name": "leadsTo"}
  ]
}"#;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::var("TWINFRONT_ADDRESS").unwrap_or_else(|_| "localhost:50051".into());
    let client = match std::env::args().nth(1) {
        Some(target) => dialling::dial(&target, "token.txt")?,
        None => Client::new(&address)?,
    };
    let models = CreateModelsRequest { dtdl_models: vec![ROOM.into()], ..Default::default() };
    match client.models().create_models(models).await.map_err(Error::from) {
        Err(error) if error.is(Kind::AlreadyExists) => {} // there from the last run
        result => drop(result?),
    }
    for room in ["tour-hall", "tour-attic"] {
        println!("{:?}", values::create(&client, room, "dtmi:example:rust:Tour;1").await?);
    }
    let stairs = Relationship { name: "leadsTo".into(), target_id: "tour-attic".into(), ..Default::default() };
    let request = CreateOrReplaceRelationshipRequest {
        digital_twin_id: "tour-hall".into(),
        relationship_id: "stairs".into(),
        relationship: Some(stairs),
        ..Default::default()
    };
    client.relationships().create_or_replace_relationship(request).await?;
    quickstart::set_temperature(&address, "tour-hall").await?;
    lists::warm_up(&client, "tour-hall").await?;
    let cellar =
        DigitalTwin { id: "tour-cellar".into(), model_id: "dtmi:example:rust:Tour;1".into(), ..Default::default() };
    imports::import(&client, vec![GraphItem { item: Some(Item::DigitalTwin(cellar)) }]).await?;
    println!("at 21.5 degrees: {:?}", caching::rooms_with(&client, 21.5).await?);
    let log = client.changes().get_change_log(GetChangeLogRequest {}).await?.into_inner();
    values::create(&client, "tour-hall", "dtmi:example:rust:Tour;1").await?;
    let request = WatchRequest { resume_token: log.newest_token, ..Default::default() };
    println!("go on at {}", watching::follow(&client, request).await?);
    println!("may change: {}", permissions::may_change(&client, "tour-hall").await?);
    errors::delete(&client, "tour-attic").await
}

mod quickstart {
    use twinfront::{
        Client, Error, Patch,
        v1::{GetDigitalTwinRequest, UpdateDigitalTwinRequest},
    };

    /// Sets a room's temperature, unless somebody else was faster.
    pub async fn set_temperature(address: &str, room: &str) -> Result<(), Error> {
        let client = Client::new(address)?;
        let read = GetDigitalTwinRequest { digital_twin_id: room.into(), ..Default::default() };
        let answer = client.digital_twins().get_digital_twin(read).await?.into_inner();
        let write = UpdateDigitalTwinRequest {
            digital_twin_id: room.into(),
            patch: Patch::new().replace("/temperature", 22.5).operations()?,
            if_match: answer.etag,
            ..Default::default()
        };
        match client.digital_twins().update_digital_twin(write).await.map_err(Error::from) {
            Ok(answer) => println!("the etag is {}", answer.into_inner().etag),
            Err(Error::EtagMismatch { current_etag, .. }) => println!("somebody was faster: {current_etag:?}"),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

mod errors {
    use twinfront::{Client, Error, Kind, v1::DeleteDigitalTwinRequest};

    /// Deletes a room, and says what is in the way.
    pub async fn delete(client: &Client, room: &str) -> Result<(), Error> {
        let request = DeleteDigitalTwinRequest { digital_twin_id: room.into(), ..Default::default() };
        match client.digital_twins().delete_digital_twin(request).await.map_err(Error::from) {
            Err(Error::TwinHasRelationships { incoming, .. }) => {
                for blocker in incoming {
                    println!("in the way: {} {}", blocker.source_id, blocker.name);
                }
                Ok(())
            }
            Err(error) if error.is(Kind::NotFound) => Ok(()), // somebody else deleted it
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }
}

mod values {
    use serde::{Deserialize, Serialize};
    use twinfront::{
        Client, Error, from_values, to_values,
        v1::{CreateOrReplaceDigitalTwinRequest, DigitalTwin},
    };

    #[derive(Debug, Serialize, Deserialize)]
    pub struct Room {
        temperature: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        seats: Option<i64>,
    }

    /// Creates a room, and gives back what the service has of it.
    pub async fn create(client: &Client, id: &str, model_id: &str) -> Result<Room, Error> {
        let room = Room { temperature: 20.5, seats: None };
        let twin = DigitalTwin { model_id: model_id.into(), properties: to_values(room)?, ..Default::default() };
        let request = CreateOrReplaceDigitalTwinRequest {
            digital_twin_id: id.into(),
            digital_twin: Some(twin),
            ..Default::default()
        };
        let answer = client.digital_twins().create_or_replace_digital_twin(request).await?.into_inner();
        Ok(from_values(answer.digital_twin.unwrap_or_default().properties)?)
    }
}

mod dialling {
    use twinfront::{Client, ConfigError, Tls};

    /// Reaches a server that is on another machine.
    pub fn dial(target: &str, token_file: &'static str) -> Result<Client, ConfigError> {
        let tls = Tls::new().ca("ca.pem").identity("client.pem", "client.key").server_name("twins.internal");
        // The file is read at each call, as whatever writes tokens into it replaces them before they expire.
        Client::builder(target)
            .tls(tls)
            .token_source(move || async move { std::fs::read_to_string(token_file) })
            .build()
    }
}

mod lists {
    use tokio_stream::StreamExt;
    use twinfront::{
        Client, Error, Patch,
        v1::{DigitalTwin, ListRelationshipsRequest, StreamQueryTwinsRequest},
    };

    /// Warms up the rooms that a room leads to, and tells how warm all are.
    pub async fn warm_up(client: &Client, room: &str) -> Result<(), Error> {
        let mut doors = client.items(ListRelationshipsRequest { digital_twin_id: room.into(), ..Default::default() });
        while let Some(door) = doors.try_next().await? {
            let warmer = async |twin: DigitalTwin| {
                let degrees = twin.properties["temperature"].as_f64().unwrap_or(20.0);
                Ok(Some(Patch::new().add("/temperature", degrees + 1.0)))
            };
            client.update_with_retry(&door.target_id, 5, warmer).await?;
        }

        let query = "SELECT T.$dtId, T.temperature FROM digitaltwins T".into();
        let mut rows = client.stream_query(StreamQueryTwinsRequest { query, ..Default::default() });
        while let Some(row) = rows.try_next().await? {
            let temperature = row.fields.get("temperature").and_then(|value| value.as_f64());
            println!("{:?} {temperature:?}", row.fields["$dtId"].as_str());
        }
        Ok(())
    }
}

mod imports {
    use tokio_stream::{StreamExt, iter};
    use twinfront::{
        Client, Error,
        v1::{GraphItem, ImportOptions},
    };

    /// Writes models, twins and relationships, and tells which of them fail.
    pub async fn import(client: &Client, items: Vec<GraphItem>) -> Result<(), Error> {
        let mut reports = client.import_graph(ImportOptions::default(), move || iter(items.clone()));
        while let Some(report) = reports.try_next().await? {
            for result in report.results {
                if let Some(error) = result.status.as_ref().and_then(Error::from_status) {
                    println!("{}: {error}", result.resource);
                }
            }
            println!("so far: {}", report.progress.unwrap_or_default().acknowledged_count);
        }
        Ok(())
    }
}

mod watching {
    use tokio_stream::StreamExt;
    use twinfront::{Client, Error, WatchItem, v1::WatchRequest};

    /// Tells what changes, up to the first change.
    pub async fn follow(client: &Client, request: WatchRequest) -> Result<String, Error> {
        let mut watch = client.watch(request);
        while let Some(told) = watch.try_next().await? {
            match told.item {
                WatchItem::InitialItem(resource) => println!("there: {resource:?}"),
                WatchItem::InitialStateEnd => println!("from here on changes come"),
                WatchItem::Checkpoint(_) => println!("nothing has changed"),
                WatchItem::Reset(reset) => println!("read everything again: {:?}", reset.reason()),
                WatchItem::Change(change) => {
                    println!("{:?} {}", change.kind(), change.digital_twin_id);
                    return Ok(told.resume_token); // where another watch goes on
                }
            }
        }
        Ok(watch.resume_token().to_owned())
    }
}

mod caching {
    use twinfront::{Client, Error, Resource, TwinCache};

    /// Finds the rooms that are as warm as that.
    pub async fn rooms_with(client: &Client, temperature: f64) -> Result<Vec<String>, Error> {
        let rooms = TwinCache::builder(client)
            .digital_twin_id_prefixes(["tour-"])
            .relationships()
            .indexed(["/temperature"])
            .changed(|_before, after| async move {
                if let Resource::DigitalTwin(room) = after {
                    println!("another: {} {:?}", room.id, room.properties["temperature"].as_f64());
                }
            })
            .start()?;
        rooms.synced().await?;
        println!("{} rooms, {} ways out of the hall", rooms.len(), rooms.relationships("tour-hall").len());
        Ok(rooms.find("/temperature", temperature)?.iter().map(|room| room.id.clone()).collect())
    }
}

mod permissions {
    use twinfront::{
        Client, Error,
        v1::{CheckPermissionsRequest, PermissionCheck},
    };

    /// Tells whether the caller may change a room.
    pub async fn may_change(client: &Client, room: &str) -> Result<bool, Error> {
        let method = "twinfront.v1.DigitalTwinService/UpdateDigitalTwin".into();
        let checks = vec![PermissionCheck { method, digital_twin_id: room.into() }];
        let answer = client.permissions().check_permissions(CheckPermissionsRequest { checks }).await?.into_inner();
        Ok(answer.decisions.iter().all(|decision| decision.permitted))
    }
}
