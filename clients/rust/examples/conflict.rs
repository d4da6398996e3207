//! Two writers of one twin, and a twin that its relationships keep from being deleted.
//!
//! It needs a server: `TWINFRONT_ADDRESS`, or localhost:50051.

use twinfront::{
    Client, Error, Kind, Patch, to_values,
    v1::{
        CreateModelsRequest, CreateOrReplaceDigitalTwinRequest, CreateOrReplaceRelationshipRequest,
        DeleteDigitalTwinRequest, DigitalTwin, GetDigitalTwinRequest, Relationship, Relationships,
        UpdateDigitalTwinRequest,
    },
};

const ROOM: &str = r#"{
  "@context": "dtmi:dtdl:context;3",
  "@id": "dtmi:example:rust:Room;1",
  "@type": "Interface",
  "contents": [
    {"@type": "Property", "name": "temperature", "schema": "double"},
    {"@type": "Relationship", "name": "leadsTo"}
  ]
}"#;
const LOBBY: &str = "rust-lobby";
const LIBRARY: &str = "rust-library";

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::new(std::env::var("TWINFRONT_ADDRESS").unwrap_or_else(|_| "localhost:50051".into()))?;
    furnish(&client).await?;
    conflict(&client).await?;
    blocked_delete(&client).await
}

async fn furnish(client: &Client) -> Result<(), Error> {
    let models = CreateModelsRequest { dtdl_models: vec![ROOM.into()], ..Default::default() };
    match client.models().create_models(models).await.map_err(Error::from) {
        Err(error) if error.is(Kind::AlreadyExists) => {} // there from the last run
        result => drop(result?),
    }
    for id in [LOBBY, LIBRARY] {
        let twin = DigitalTwin {
            model_id: "dtmi:example:rust:Room;1".into(),
            properties: to_values(serde_json::json!({"temperature": 20.5}))?,
            ..Default::default()
        };
        let request = CreateOrReplaceDigitalTwinRequest {
            digital_twin_id: id.into(),
            digital_twin: Some(twin),
            ..Default::default()
        };
        client.digital_twins().create_or_replace_digital_twin(request).await?;
    }
    Ok(())
}

async fn conflict(client: &Client) -> Result<(), Error> {
    let stale = read(client, LOBBY).await?;
    // The first write makes the etag of the second one stale.
    for temperature in [21.0, 22.0] {
        let request = UpdateDigitalTwinRequest {
            digital_twin_id: LOBBY.into(),
            patch: Patch::new().replace("/temperature", temperature).operations()?,
            if_match: stale.etag.clone(),
            ..Default::default()
        };
        match client.digital_twins().update_digital_twin(request).await.map_err(Error::from) {
            Err(Error::EtagMismatch { current_etag, .. }) => {
                println!("somebody was faster: {}", current_etag.as_ref() != Some(&stale.etag));
            }
            result => drop(result?),
        }
    }
    let warmer = async |twin: DigitalTwin| {
        Ok(temperature(&twin).map(|degrees| Patch::new().replace("/temperature", degrees + 1.0)))
    };
    client.update_with_retry(LOBBY, 5, warmer).await?;
    println!("temperature: {}", temperature(&read(client, LOBBY).await?).unwrap_or_default());
    Ok(())
}

async fn blocked_delete(client: &Client) -> Result<(), Error> {
    let door = Relationship { name: "leadsTo".into(), target_id: LIBRARY.into(), ..Default::default() };
    let request = CreateOrReplaceRelationshipRequest {
        digital_twin_id: LOBBY.into(),
        relationship_id: "door".into(),
        relationship: Some(door),
        ..Default::default()
    };
    client.relationships().create_or_replace_relationship(request).await?;
    let mut request = DeleteDigitalTwinRequest { digital_twin_id: LIBRARY.into(), ..Default::default() };
    match client.digital_twins().delete_digital_twin(request.clone()).await.map_err(Error::from) {
        Err(Error::TwinHasRelationships { incoming, .. }) => {
            for blocker in incoming {
                println!("in the way: {} {} {}", blocker.source_id, blocker.name, blocker.target_id);
            }
        }
        result => drop(result?),
    }
    request.set_relationships(Relationships::Detach);
    let deleted = client.digital_twins().delete_digital_twin(request).await?.into_inner();
    println!("deleted, with relationships: {}", deleted.incoming_relationships_deleted);
    Ok(())
}

async fn read(client: &Client, id: &str) -> Result<DigitalTwin, Error> {
    let request = GetDigitalTwinRequest { digital_twin_id: id.into(), ..Default::default() };
    Ok(client.digital_twins().get_digital_twin(request).await?.into_inner().digital_twin.unwrap_or_default())
}

fn temperature(twin: &DigitalTwin) -> Option<f64> {
    twin.properties.get("temperature")?.as_f64()
}
