use std::{future::poll_fn, mem, pin::Pin};

use async_stream::stream;
use futures_core::Stream;
use prost::Message as _;
use tonic::{Response, Status, Streaming};

use crate::{
    Client, Error,
    streaming::Resumption,
    v1::{GraphItem, ImportGraphRequest, ImportGraphResponse, ImportOptions, ImportProgress},
};

/// A message of an import has as many items as suit the server.
const ITEMS_PER_MESSAGE: usize = 100;
const BYTES_PER_MESSAGE: usize = 256 << 10;

impl Client {
    /// Writes models, twins and relationships as they come, in an order in which each finds what it needs before it. It
    /// gives the server's reports: the results of items that ended, and the progress. This is not atomic.
    ///
    /// Where the stream breaks, the import goes on after the items that were acknowledged; it gives up as
    /// [`stream_query`](Client::stream_query) does. For that `items` is called again, and has to give the same items again,
    /// from the first one. Items that were written and not yet acknowledged are written once more, which ends in the same
    /// state, and are reported and counted once more.
    ///
    /// Items are taken as fast as the server takes them in. Dropping the reports ends the import; what was sent may have been
    /// written. An item that failed is no error of the import: [`Error::from_status`] makes one of the status in its result.
    ///
    /// ```no_run
    /// use tokio_stream::StreamExt;
    /// use twinfront::v1::{DigitalTwin, GraphItem, ImportOptions, graph_item::Item};
    ///
    /// # async fn example(client: twinfront::Client) -> Result<(), twinfront::Error> {
    /// let rooms = || {
    ///     tokio_stream::iter(0..1000).map(|number| {
    ///         let model_id = "dtmi:example:Room;1".into();
    ///         let room = DigitalTwin { id: format!("room-{number}"), model_id, ..Default::default() };
    ///         GraphItem { item: Some(Item::DigitalTwin(room)) }
    ///     })
    /// };
    /// let mut reports = client.import_graph(ImportOptions { failures_only: true, ..Default::default() }, rooms);
    /// while let Some(report) = reports.try_next().await? {
    ///     println!("{} of 1000", report.progress.unwrap_or_default().acknowledged_count);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn import_graph<F, S>(
        &self,
        options: ImportOptions,
        items: F,
    ) -> impl Stream<Item = Result<ImportGraphResponse, Error>> + Send + Unpin + use<F, S>
    where
        F: FnMut() -> S + Send + 'static,
        S: Stream<Item = GraphItem> + Send + 'static,
    {
        self.resumed(Import {
            next: options,
            items,
            before: ImportProgress::default(),
            reached: ImportProgress::default(),
        })
    }
}

/// Goes on after the items that were acknowledged: all are sent again, and the server skips those.
struct Import<F> {
    next: ImportOptions,
    items: F,
    /// What the streams that broke have imported.
    before: ImportProgress,
    reached: ImportProgress,
}

impl<F, S> Resumption for Import<F>
where
    F: FnMut() -> S + Send + 'static,
    S: Stream<Item = GraphItem> + Send + 'static,
{
    type Message = ImportGraphResponse;

    async fn open(&mut self, client: &Client) -> Result<Response<Streaming<ImportGraphResponse>>, Status> {
        self.before = self.reached;
        let requests = messages(self.next, (self.items)());
        client.graphs().import_graph(requests).await
    }

    fn leads_on(&mut self, report: &mut ImportGraphResponse) -> bool {
        let progress = report.progress.unwrap_or_default();
        self.reached = sum(&self.before, &progress);
        report.progress = Some(self.reached);
        let leads_on = progress.acknowledged_count > self.next.resume_from;
        self.next.resume_from = self.next.resume_from.max(progress.acknowledged_count);
        leads_on
    }

    /// Only the end of the stream tells.
    fn is_whole(&self) -> bool {
        false
    }
}

/// What is acknowledged is counted from the first item anyway.
fn sum(before: &ImportProgress, progress: &ImportProgress) -> ImportProgress {
    ImportProgress {
        acknowledged_count: progress.acknowledged_count,
        models_imported: before.models_imported.saturating_add(progress.models_imported),
        digital_twins_imported: before.digital_twins_imported.saturating_add(progress.digital_twins_imported),
        relationships_imported: before.relationships_imported.saturating_add(progress.relationships_imported),
        failed: before.failed.saturating_add(progress.failed),
    }
}

/// The first message has the options, even if there are no items.
fn messages(
    options: ImportOptions,
    items: impl Stream<Item = GraphItem> + Send + 'static,
) -> impl Stream<Item = ImportGraphRequest> + Send + 'static {
    let mut items: Pin<Box<dyn Stream<Item = GraphItem> + Send>> = Box::pin(items);
    stream! {
        let mut message = ImportGraphRequest { options: Some(options), ..Default::default() };
        let mut size = 0;
        while let Some(item) = poll_fn(|cx| items.as_mut().poll_next(cx)).await {
            size += item.encoded_len();
            message.items.push(item);
            if message.items.len() >= ITEMS_PER_MESSAGE || size >= BYTES_PER_MESSAGE {
                yield mem::take(&mut message);
                size = 0;
            }
        }
        yield message;
    }
}
