//! Changes a room's temperature, unless somebody else was faster.

use twinfront::{
    Client, Error, Patch,
    v1::{GetDigitalTwinRequest, UpdateDigitalTwinRequest},
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(&std::env::var("TWINFRONT_ADDRESS").unwrap_or_else(|_| "localhost:50051".into())).await
}

// begin ten lines
async fn run(address: &str) -> Result<(), Error> {
    let mut twins = Client::new(address)?.digital_twins();
    let digital_twin_id = "room-001".to_owned();
    let read = GetDigitalTwinRequest { digital_twin_id: digital_twin_id.clone(), ..Default::default() };
    let if_match = twins.get_digital_twin(read).await?.into_inner().etag;
    let patch = Patch::new().replace("/temperature", 22.5).operations()?;
    let write = UpdateDigitalTwinRequest { digital_twin_id, patch, if_match, ..Default::default() };
    match twins.update_digital_twin(write).await.map_err(Error::from) {
        Err(Error::EtagMismatch { current_etag, .. }) => {
            println!("somebody was faster; the current etag is {}", current_etag.unwrap_or_default());
        }
        result => drop(result?),
    }
    Ok(())
}
// end ten lines
