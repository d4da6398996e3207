use async_stream::try_stream;
use futures_core::Stream;

use crate::{
    Client, Error, Kind,
    pause::pause,
    v1::{QueryRow, StreamQueryTwinsRequest},
};

/// How often a stream may break without a row in between.
const MAX_BREAKS: u32 = 5;

impl Client {
    /// The rows of a query as the server streams them. Where the stream breaks it goes on with the last `resume_token`,
    /// and gives up when it has broken five times without a row in between. Dropping it ends the query.
    ///
    /// ```no_run
    /// use tokio_stream::StreamExt;
    /// use twinfront::{from_values, v1::StreamQueryTwinsRequest};
    ///
    /// # async fn example(client: twinfront::Client) -> Result<(), twinfront::Error> {
    /// let query = "SELECT T.$dtId, T.temperature FROM digitaltwins T".into();
    /// let mut rows = client.stream_query(StreamQueryTwinsRequest { query, ..Default::default() });
    /// while let Some(row) = rows.try_next().await? {
    ///     let row: serde_json::Value = from_values(row.fields)?;
    ///     println!("{row}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream_query(
        &self,
        mut request: StreamQueryTwinsRequest,
    ) -> impl Stream<Item = Result<QueryRow, Error>> + Send + Unpin + use<> {
        let client = self.clone();
        Box::pin(try_stream! {
            let mut breaks = 0;
            let mut is_whole = false;
            let mut open = None;
            loop {
                let next = match &mut open {
                    Some(stream) => tonic::Streaming::message(stream).await,
                    None => match client.queries().stream_query_twins(request.clone()).await {
                        Ok(answer) => {
                            open = Some(answer.into_inner());
                            continue;
                        }
                        Err(status) => Err(status),
                    },
                };
                match next.map_err(Error::from) {
                    Ok(Some(message)) => {
                        // A token that leads nowhere, or back to where the stream began, must not be followed for ever.
                        if !message.rows.is_empty() && message.resume_token != request.resume_token {
                            breaks = 0;
                        }
                        is_whole = message.resume_token.is_empty();
                        request.resume_token = message.resume_token;
                        for row in message.rows {
                            yield row;
                        }
                    }
                    Ok(None) => return,
                    // Only the last message has no token: all rows are there, and what got lost is the status.
                    Err(_) if is_whole => return,
                    Err(error) => {
                        breaks += 1;
                        if !error.is(Kind::Unavailable) || breaks >= MAX_BREAKS {
                            Err(error)?;
                        }
                        open = None;
                        pause(breaks).await;
                    }
                }
            }
        })
    }
}
