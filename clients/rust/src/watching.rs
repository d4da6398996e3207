use std::{
    collections::{HashSet, VecDeque},
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use async_stream::try_stream;
use futures_core::Stream;
use tonic::{Response, Status, Streaming};

use crate::{
    Client, Error,
    streaming::Resumption,
    v1::{
        Change, Changes, Checkpoint, DigitalTwin, InitialItems, Relationship, Reset, WatchRequest, WatchResponse,
        watch_response::Item,
    },
};

/// How many ids of changes a watch remembers, to know those that come again.
const REMEMBERED: usize = 1000;

/// One thing that a watch tells.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchItem {
    /// A change of the graph.
    Change(Box<Change>),
    /// A digital twin or a relationship of the state that comes before the changes.
    InitialItem(Resource),
    /// The state has come; from here on changes do.
    InitialStateEnd,
    /// Nothing has changed, and the token has moved on.
    Checkpoint(Checkpoint),
    /// There are changes that are not told one by one: a copy of the graph may be wrong from here on. With
    /// [`OnExpired::Resync`](crate::v1::OnExpired::Resync) the state follows anew, from its first item; else changes go on,
    /// and whoever keeps a copy has to read it again.
    Reset(Reset),
}

/// A digital twin or a relationship.
#[derive(Debug, Clone, PartialEq)]
pub enum Resource {
    /// A digital twin.
    DigitalTwin(Arc<DigitalTwin>),
    /// A relationship.
    Relationship(Arc<Relationship>),
}

impl From<DigitalTwin> for Resource {
    fn from(twin: DigitalTwin) -> Self {
        Self::DigitalTwin(twin.into())
    }
}

impl From<Relationship> for Resource {
    fn from(relationship: Relationship) -> Self {
        Self::Relationship(relationship.into())
    }
}

/// What a watch tells, and where another one goes on behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// What is told.
    pub item: WatchItem,
    /// Where a watch goes on that has seen this, and all before it; what came in one message with this may come again, with
    /// the same ids. Empty as long as there is no such place.
    pub resume_token: String,
}

impl Client {
    /// Watches the graph change, from now on, from a token, from a time, or behind the state as it is.
    ///
    /// It goes on by itself where its stream breaks, or where the server ends it, and tells each change once. It has no end of
    /// its own; dropping it ends the watch. What it tells has a `resume_token` with which another watch goes on behind it, on
    /// the next day, and at another server too: the other fields of the request have to be as they were then, but for
    /// `on_expired` and `checkpoint_interval`.
    ///
    /// It gives up as [`stream_query`](Client::stream_query) does, with [`Watch::resume_token`] to go on from.
    /// [`Kind::ChangesExpired`](crate::Kind::ChangesExpired) says that the log no longer has what was to be told,
    /// [`Kind::ResumeTokenInvalid`](crate::Kind::ResumeTokenInvalid) that the token is of another server, log or request, and
    /// [`Kind::ChangesUnsupported`](crate::Kind::ChangesUnsupported) that the server follows no source of changes.
    ///
    /// ```no_run
    /// use tokio_stream::StreamExt;
    /// use twinfront::{
    ///     WatchItem,
    ///     v1::{ChangeFilter, WatchRequest},
    /// };
    ///
    /// # async fn example(client: twinfront::Client) -> Result<(), twinfront::Error> {
    /// let filter = ChangeFilter { model_ids: vec!["dtmi:example:Room;1".into()], ..Default::default() };
    /// let mut watch = client.watch(WatchRequest { filter: Some(filter), ..Default::default() });
    /// while let Some(told) = watch.try_next().await? {
    ///     match told.item {
    ///         WatchItem::Change(change) => println!("{:?} {}", change.kind(), change.digital_twin_id),
    ///         WatchItem::Reset(_) => println!("changes that are not told one by one: read everything again"),
    ///         WatchItem::InitialItem(_) | WatchItem::InitialStateEnd | WatchItem::Checkpoint(_) => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch(&self, request: WatchRequest) -> Watch {
        let resume_token = request.resume_token.clone();
        Watch { messages: Box::pin(self.watched(request, Vec::new())), items: VecDeque::new(), resume_token }
    }

    /// The messages of a watch through all its streams; `told` are the ids of changes that were told behind its token.
    pub(crate) fn watched(
        &self,
        request: WatchRequest,
        told: Vec<String>,
    ) -> impl Stream<Item = Result<Message, Error>> + Send + Unpin + use<> {
        let mut course = Course::new(request.resume_token.clone(), told);
        let mut messages = self.resumed(ByLastMessage { request });
        Box::pin(try_stream! {
            while let Some(message) = poll_fn(|cx| Pin::new(&mut messages).poll_next(cx)).await {
                yield course.read(message?)?;
            }
        })
    }
}

/// A watch that is under way: a stream of what it tells, which [`Client::watch`] gives.
#[must_use = "nothing is watched before it is read"]
pub struct Watch {
    messages: Pin<Box<dyn Stream<Item = Result<Message, Error>> + Send>>,
    items: VecDeque<Watched>,
    resume_token: String,
}

impl Watch {
    /// The token of the last item that it told; that of its request before the first.
    pub fn resume_token(&self) -> &str {
        &self.resume_token
    }
}

impl Stream for Watch {
    type Item = Result<Watched, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let watch = self.get_mut();
        loop {
            if let Some(told) = watch.items.pop_front() {
                watch.resume_token.clone_from(&told.resume_token);
                return Poll::Ready(Some(Ok(told)));
            }
            match ready!(watch.messages.as_mut().poll_next(cx)) {
                Some(Ok(message)) => watch.items = message.items.into(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("resume_token", &self.resume_token).finish_non_exhaustive()
    }
}

/// A message of a watch, without the changes that were told before.
pub(crate) struct Message {
    pub(crate) items: Vec<Watched>,
    /// Where the next stream begins.
    pub(crate) resume_token: String,
}

/// Goes on behind the last message.
struct ByLastMessage {
    request: WatchRequest,
}

impl Resumption for ByLastMessage {
    type Message = WatchResponse;

    const IS_ENDLESS: bool = true;

    async fn open(&mut self, client: &Client) -> Result<Response<Streaming<WatchResponse>>, Status> {
        client.changes().watch(self.request.clone()).await
    }

    fn leads_on(&mut self, message: &mut WatchResponse) -> bool {
        if message.resume_token.is_empty() || message.resume_token == self.request.resume_token {
            return false;
        }
        self.request.resume_token.clone_from(&message.resume_token);
        self.request.start_time = None;
        true
    }

    /// There is no last one.
    fn is_whole(&self) -> bool {
        false
    }
}

/// Follows a watch through all its streams.
///
/// A change that comes again, as one may after a break, has the id that it had; the last of them are remembered. Not beyond a
/// reset: the state that follows it may be from before such a change, which has to be told once more.
struct Course {
    resume_token: String,
    told: HashSet<Arc<str>>,
    in_order: VecDeque<Arc<str>>,
}

impl Course {
    fn new(resume_token: String, told: Vec<String>) -> Self {
        let in_order: VecDeque<Arc<str>> = told.into_iter().map(Arc::from).collect();
        Self { resume_token, told: in_order.iter().cloned().collect(), in_order }
    }

    fn read(&mut self, message: WatchResponse) -> Result<Message, Status> {
        if message.resume_token.is_empty() {
            return Err(Status::internal("the answer cannot be read: a message has no resume_token"));
        }
        let before = std::mem::replace(&mut self.resume_token, message.resume_token);
        let items = items_of(message.item);
        let last = items.len().saturating_sub(1);
        // Whoever goes on behind an item that is not the last has to be told the others.
        let token_at = |place| if place == last { self.resume_token.clone() } else { before.clone() };
        let items: Vec<_> = items
            .into_iter()
            .enumerate()
            .map(|(place, item)| Watched { item, resume_token: token_at(place) })
            .collect();
        let items = items.into_iter().filter(|told| self.is_new(&told.item)).collect();
        Ok(Message { items, resume_token: self.resume_token.clone() })
    }

    fn is_new(&mut self, item: &WatchItem) -> bool {
        match item {
            WatchItem::Change(change) if !change.id.is_empty() => {
                let id: Arc<str> = change.id.as_str().into();
                if !self.told.insert(id.clone()) {
                    return false;
                }
                self.in_order.push_back(id);
                if self.in_order.len() > REMEMBERED
                    && let Some(oldest) = self.in_order.pop_front()
                {
                    self.told.remove(&oldest);
                }
            }
            WatchItem::Reset(_) => {
                self.told.clear();
                self.in_order.clear();
            }
            _ => {}
        }
        true
    }
}

/// Something newer than this client is nothing.
fn items_of(item: Option<Item>) -> Vec<WatchItem> {
    match item {
        Some(Item::Changes(Changes { changes })) => {
            changes.into_iter().map(|change| WatchItem::Change(change.into())).collect()
        }
        Some(Item::InitialItems(InitialItems { digital_twins, relationships })) => {
            let twins = digital_twins.into_iter().map(Resource::from);
            twins.chain(relationships.into_iter().map(Resource::from)).map(WatchItem::InitialItem).collect()
        }
        Some(Item::InitialStateEnd(_)) => vec![WatchItem::InitialStateEnd],
        Some(Item::Checkpoint(checkpoint)) => vec![WatchItem::Checkpoint(checkpoint)],
        Some(Item::Reset(reset)) => vec![WatchItem::Reset(reset)],
        None => Vec::new(),
    }
}
