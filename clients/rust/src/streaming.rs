use std::{future::poll_fn, pin::Pin, time::Duration};

use async_stream::try_stream;
use futures_core::Stream;
use tokio::time::Instant;
use tonic::{Response, Status, Streaming};

use crate::{
    Client, Error,
    connection::{
        SEVERAL_ATTEMPTS, UNBOUNDED, attempts_of, forbids_another, most_attempts, note_attempts, was_never_sent,
    },
    pause::before,
    v1::{ExportGraphRequest, ExportGraphResponse, QueryRow, StreamQueryTwinsRequest, StreamQueryTwinsResponse},
};

/// How long a stream is tried for since it broke.
const PATIENCE: Duration = Duration::from_secs(60);

impl Client {
    /// The rows of a query as the server streams them. Where the stream breaks it goes on with the last `resume_token`.
    /// It gives up when it has broken five times without a row in between, or was broken for a minute. Dropping it ends
    /// the query.
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
        request: StreamQueryTwinsRequest,
    ) -> impl Stream<Item = Result<QueryRow, Error>> + Send + Unpin + use<> {
        let mut messages = self.resumed(ByToken::new(request));
        Box::pin(try_stream! {
            while let Some(message) = poll_fn(|cx| Pin::new(&mut messages).poll_next(cx)).await {
                for row in message?.rows {
                    yield row;
                }
            }
        })
    }

    /// The messages of an export as the server streams them: items, or chunks of text, as the request's format has it.
    /// It goes on where it breaks, as [`stream_query`](Client::stream_query) does.
    ///
    /// ```no_run
    /// use tokio_stream::StreamExt;
    /// use twinfront::v1::{ExportFormat, ExportGraphRequest};
    ///
    /// # async fn example(client: twinfront::Client) -> Result<(), twinfront::Error> {
    /// let format = ExportFormat::Ndjson.into();
    /// let mut messages = client.export_graph(ExportGraphRequest { format, ..Default::default() });
    /// while let Some(message) = messages.try_next().await? {
    ///     print!("{}", String::from_utf8_lossy(&message.chunk));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn export_graph(
        &self,
        request: ExportGraphRequest,
    ) -> impl Stream<Item = Result<ExportGraphResponse, Error>> + Send + Unpin + use<> {
        self.resumed(ByToken::new(request))
    }

    /// The messages of a stream to its end; where it breaks, on from the last one.
    pub(crate) fn resumed<R: Resumption>(
        &self,
        mut resumption: R,
    ) -> impl Stream<Item = Result<R::Message, Error>> + Send + Unpin + use<R> {
        let client = self.clone();
        Box::pin(try_stream! {
            let mut breaks = Breaks::default();
            let mut sent = 0;
            let mut open = None;
            // Tells whether the stream that is open has led on.
            let mut gets_on = false;
            loop {
                let next = match &mut open {
                    Some(stream) => Streaming::message(stream).await,
                    None => match resumption.open(&client).await {
                        Ok(answer) => {
                            open = Some(answer.into_inner());
                            gets_on = false;
                            continue;
                        }
                        Err(status) => Err(status),
                    },
                };
                let next = match next {
                    Ok(None) if R::IS_ENDLESS && client.connection().sends_again() => {
                        if gets_on {
                            open = None;
                            continue;
                        }
                        Err(Status::unavailable("the server ended the stream without a message"))
                    }
                    next => next,
                };
                let next = next.map_err(|mut status| {
                    sent += attempts_of(&status);
                    note_attempts(&mut status, sent);
                    Error::from(status)
                });
                match next {
                    Ok(Some(mut message)) => {
                        if resumption.leads_on(&mut message) {
                            gets_on = true;
                            breaks = Breaks::default();
                        }
                        yield message;
                    }
                    Ok(None) => return,
                    // What got lost is the status.
                    Err(_) if resumption.is_whole() => return,
                    Err(error) => {
                        open = None;
                        let connection = client.connection();
                        let pause = breaks.pause_after(&error, connection.was_seen());
                        match pause.filter(|_| connection.sends_again()) {
                            Some(pause) => tokio::time::sleep(pause).await,
                            None => Err(error)?,
                        }
                    }
                }
            }
        })
    }
}

/// How far a stream that may break has come, and how it is gone on with from there.
pub(crate) trait Resumption: Send + 'static {
    type Message: Send + Sync;

    /// Tells whether the stream has no end of its own, so that one that the server ends is gone on with as well.
    const IS_ENDLESS: bool = false;

    /// Begins the stream, or goes on after the messages that were noted.
    fn open(
        &mut self,
        client: &Client,
    ) -> impl Future<Output = Result<Response<Streaming<Self::Message>>, Status>> + Send;

    /// Notes a message, and makes it what it is in the whole of all streams. Tells whether it leads on: what leads nowhere, or
    /// back to where the stream began, must not be followed for ever.
    fn leads_on(&mut self, message: &mut Self::Message) -> bool;

    /// Tells whether the last message was noted.
    fn is_whole(&self) -> bool;
}

/// Goes on with the token of the last message.
struct ByToken<R> {
    request: R,
    is_whole: bool,
}

impl<R> ByToken<R> {
    fn new(request: R) -> Self {
        Self { request, is_whole: false }
    }
}

impl<R: Resumable> Resumption for ByToken<R> {
    type Message = R::Message;

    async fn open(&mut self, client: &Client) -> Result<Response<Streaming<R::Message>>, Status> {
        self.request.clone().open(client).await
    }

    fn leads_on(&mut self, message: &mut R::Message) -> bool {
        let token = R::token_after(message);
        let leads_on = R::brings_something(message) && token != self.request.resume_token();
        // Only the last message has none.
        self.is_whole = token.is_empty();
        *self.request.resume_token() = token.to_owned();
        leads_on
    }

    fn is_whole(&self) -> bool {
        self.is_whole
    }
}

/// A request whose answer is a stream that can be asked for from any of its messages on.
trait Resumable: Clone + Send + Sync + 'static {
    type Message: Send + Sync;

    fn open(self, client: &Client) -> impl Future<Output = Result<Response<Streaming<Self::Message>>, Status>> + Send;
    fn resume_token(&mut self) -> &mut String;
    fn token_after(message: &Self::Message) -> &str;
    fn brings_something(message: &Self::Message) -> bool;
}

impl Resumable for StreamQueryTwinsRequest {
    type Message = StreamQueryTwinsResponse;

    async fn open(self, client: &Client) -> Result<Response<Streaming<Self::Message>>, Status> {
        client.queries().stream_query_twins(self).await
    }

    fn resume_token(&mut self) -> &mut String {
        &mut self.resume_token
    }

    fn token_after(message: &Self::Message) -> &str {
        &message.resume_token
    }

    fn brings_something(message: &Self::Message) -> bool {
        !message.rows.is_empty()
    }
}

impl Resumable for ExportGraphRequest {
    type Message = ExportGraphResponse;

    async fn open(self, client: &Client) -> Result<Response<Streaming<Self::Message>>, Status> {
        client.graphs().export_graph(self).await
    }

    fn resume_token(&mut self) -> &mut String {
        &mut self.resume_token
    }

    fn token_after(message: &Self::Message) -> &str {
        &message.resume_token
    }

    fn brings_something(message: &Self::Message) -> bool {
        !message.items.is_empty() || !message.chunk.is_empty()
    }
}

/// How a stream has broken since it last brought something.
#[derive(Default)]
struct Breaks {
    in_a_row: u32,
    /// Those that are not for a server that stops, or is not there.
    failures: u32,
    first: Option<Instant>,
}

impl Breaks {
    /// Gives the time to wait before the stream is asked for again; `None` if it is given up.
    fn pause_after(&mut self, error: &Error, was_seen: bool) -> Option<Duration> {
        let now = Instant::now();
        let Error::Unavailable { retry_after, failure } = error else {
            return None;
        };
        if forbids_another(&failure.status) {
            return None;
        }
        let most = match &failure.reason {
            Some(reason) => most_attempts(reason).unwrap_or(SEVERAL_ATTEMPTS),
            None if was_seen && was_never_sent(&failure.status) => UNBOUNDED,
            None => SEVERAL_ATTEMPTS,
        };
        self.in_a_row += 1;
        self.failures += u32::from(most != UNBOUNDED);
        let pause = before(self.in_a_row).max(retry_after.unwrap_or_default());
        let is_in_time = now + pause < *self.first.get_or_insert(now) + PATIENCE;
        (self.failures < most && is_in_time).then_some(pause)
    }
}
