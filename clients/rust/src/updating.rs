use tonic::Status;

use crate::{
    Client, Error, Kind, Patch,
    pause::pause,
    v1::{DigitalTwin, GetDigitalTwinRequest, UpdateDigitalTwinRequest},
};

impl Client {
    /// Reads a twin, asks for a change to it, and writes the change under the twin's etag; when another writer was
    /// faster it does all of it again, up to so many times (at least once). The change gets the twin and gives a patch,
    /// or `None` if nothing is to be done. Gives the twin's etag.
    ///
    /// ```no_run
    /// use twinfront::Patch;
    ///
    /// # async fn example(client: twinfront::Client) -> Result<(), twinfront::Error> {
    /// let warmer = async |twin: twinfront::v1::DigitalTwin| {
    ///     let temperature = twin.properties.get("temperature").and_then(|value| value.as_f64());
    ///     Ok(temperature.map(|degrees| Patch::new().replace("/temperature", degrees + 1.0)))
    /// };
    /// client.update_with_retry("room-001", 5, warmer).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails as the calls and the change do; [`EtagMismatch`](Error::EtagMismatch) if another writer was faster each
    /// time. Nothing is written under an etag that the server did not give.
    pub async fn update_with_retry<F, C>(
        &self,
        digital_twin_id: &str,
        attempts: u32,
        mut change: F,
    ) -> Result<String, Error>
    where
        F: FnMut(DigitalTwin) -> C,
        C: Future<Output = Result<Option<Patch>, Error>>,
    {
        let mut attempt = 1;
        loop {
            let read = GetDigitalTwinRequest { digital_twin_id: digital_twin_id.to_owned(), ..Default::default() };
            let answer = self.digital_twins().get_digital_twin(read).await?.into_inner();
            let twin = answer.digital_twin.ok_or_else(|| Status::internal("the server answered without a twin"))?;
            let etag = twin.etag.clone();
            if etag.is_empty() {
                // A write under no etag is one without condition.
                Err(Status::internal("the server answered without an etag"))?;
            }
            let Some(patch) = change(twin).await? else {
                return Ok(etag);
            };
            let write = UpdateDigitalTwinRequest {
                digital_twin_id: digital_twin_id.to_owned(),
                patch: patch.operations()?,
                if_match: etag,
                ..Default::default()
            };
            match self.digital_twins().update_digital_twin(write).await.map_err(Error::from) {
                Ok(answer) => return Ok(answer.into_inner().etag),
                // Only the server knows that nothing was written; ABORTED alone can be of anything in between.
                Err(error) if error.is(Kind::EtagMismatch) && attempt < attempts => pause(attempt).await,
                Err(error) => return Err(error),
            }
            attempt += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{ListModelsRequest, StreamQueryTwinsRequest};

    fn can_be_spawned(_: impl Send) {}

    #[tokio::test]
    async fn what_a_client_does_can_be_spawned() {
        let client = Client::new("localhost:1").unwrap();
        can_be_spawned(client.items(ListModelsRequest::default()));
        can_be_spawned(client.stream_query(StreamQueryTwinsRequest::default()));
        can_be_spawned(client.update_with_retry("room-001", 5, async |_| Ok(None)));
        let mut seen = 0;
        can_be_spawned(client.update_with_retry("room-001", 5, |_| {
            seen += 1;
            let client = &client;
            async move {
                client.digital_twins().get_digital_twin(GetDigitalTwinRequest::default()).await?;
                Ok(None)
            }
        }));
    }
}
