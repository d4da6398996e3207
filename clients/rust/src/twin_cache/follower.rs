use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use futures_core::Stream;
use prost_types::Timestamp;
use tokio::sync::watch;
use tonic::{Code, Status};

use super::{Held, callbacks::Callbacks, graph::Step, read, write};
use crate::{
    Client, Error, Kind, Resource, WatchItem, pause,
    v1::{GetChangeLogRequest, ListModelsRequest, Model, WatchRequest, change},
    watching::Message,
};

/// Time between checkpoints of a cache that goes on from a saved state: the sooner it is told how far it has come, the sooner it
/// is known to be whole again.
const CATCHING_UP: prost_types::Duration = prost_types::Duration { seconds: 2, nanos: 0 };

/// How a cache gets on; that it has ended is told by the end of the channel.
#[derive(Default)]
pub(super) struct State {
    pub(super) is_synced: bool,
    pub(super) error: Option<Status>,
}

/// Keeps a cache as the graph is.
pub(super) struct Follower {
    client: Client,
    request: WatchRequest,
    held: Arc<Held>,
    state: watch::Sender<State>,
    closed: watch::Receiver<bool>,
    /// When the newest change was made before it went on from a saved state, which is whole again once all until then has come.
    newest: Option<Timestamp>,
    messages: u64,
}

impl Follower {
    pub(super) fn new(
        client: Client,
        request: WatchRequest,
        held: Arc<Held>,
        state: watch::Sender<State>,
        closed: watch::Receiver<bool>,
    ) -> Self {
        Self { client, request, held, state, closed, newest: None, messages: 0 }
    }

    pub(super) async fn run(mut self, mut callbacks: Callbacks) {
        let mut failures = 0;
        while !self.is_closed() {
            let messages = self.messages;
            let mut wait = Duration::ZERO;
            if let Err(error) = self.follow(&mut callbacks).await {
                if let Error::Unavailable { retry_after, .. } | Error::Throttled { retry_after, .. } = &error {
                    wait = retry_after.unwrap_or_default();
                }
                let begins_anew = error.is(Kind::ResumeTokenInvalid) && !self.held.graph().resume_token().is_empty();
                let ends = !begins_anew && cannot_go_on(&error, self.messages > 0);
                if begins_anew {
                    self.held.graph_mut().begin_anew();
                }
                self.state.send_modify(|state| state.error = Some(status_of(&error)));
                if ends {
                    return;
                }
            }
            failures = if self.messages > messages { 1 } else { failures + 1 };
            self.unless_closed(tokio::time::sleep(pause::before(failures).max(wait))).await;
        }
    }

    /// Follows the changes until that breaks, from where the graph is.
    async fn follow(&mut self, callbacks: &mut Callbacks) -> Result<(), Error> {
        if !self.held.graph().is_listing() && !self.state.borrow().is_synced {
            let mut changes = self.client.changes();
            let Some(log) = self.unless_closed(changes.get_change_log(GetChangeLogRequest {})).await else {
                return Ok(());
            };
            self.newest = log?.into_inner().newest_time;
            if self.newest.is_none() {
                self.has_synced();
            }
        }
        let restored = self.held.graph().models().map(str::to_owned).collect();
        let Some(learnt) = self.unless_closed(self.learn(restored)).await else {
            return Ok(());
        };
        learnt?;
        let request = WatchRequest {
            resume_token: self.held.graph().resume_token().to_owned(),
            checkpoint_interval: self.newest.map(|_| CATCHING_UP),
            ..self.request.clone()
        };
        let handled = self.held.graph().handled_ids();
        let mut messages = self.client.watched(request, handled);
        loop {
            let next = poll_fn(|cx| Pin::new(&mut messages).poll_next(cx));
            let Some(Some(message)) = self.unless_closed(next).await else {
                return Ok(());
            };
            let message = message?;
            self.messages += 1;
            self.take(message, callbacks).await?;
            self.state.send_if_modified(|state| state.error.take().is_some());
        }
    }

    /// Takes a message, unless the cache is closed meanwhile: it is taken from where it was by whoever goes on then.
    async fn take(&mut self, message: Message, callbacks: &mut Callbacks) -> Result<(), Error> {
        let models = message.items.iter().filter_map(|told| model_of(&told.item)).map(str::to_owned).collect();
        match self.unless_closed(self.learn(models)).await {
            Some(learnt) => learnt?,
            None => return Ok(()),
        }
        for told in message.items {
            match told.item {
                WatchItem::Reset(_) => {
                    self.held.graph_mut().begin_listing();
                    write(&self.held.lineage).may_be_others();
                }
                WatchItem::InitialItem(resource) => {
                    let steps = self.held.graph_mut().listed(resource);
                    self.tell(steps, callbacks).await;
                }
                WatchItem::InitialStateEnd => {
                    let steps = self.held.graph().unlisted();
                    self.tell(steps, callbacks).await;
                    if !self.is_closed() {
                        self.held.graph_mut().end_listing(told.resume_token);
                        self.has_synced();
                    }
                }
                WatchItem::Change(change) => {
                    let (id, time) = (change.id.clone(), change.time);
                    let steps = self.held.graph_mut().changed(*change);
                    self.tell(steps, callbacks).await;
                    if !self.is_closed() {
                        self.held.graph_mut().handled(id);
                        self.knows_all_until(time);
                    }
                }
                WatchItem::Checkpoint(checkpoint) => self.knows_all_until(checkpoint.time),
            }
            if self.is_closed() {
                return Ok(());
            }
        }
        self.held.graph_mut().reached(message.resume_token);
        Ok(())
    }

    /// Takes steps, one after the other, and tells each.
    async fn tell(&mut self, steps: Vec<Step>, callbacks: &mut Callbacks) {
        for step in steps {
            if self.is_closed() {
                return;
            }
            let after = step.1.clone();
            let before = self.held.graph_mut().take(step);
            callbacks.tell(before, after).await;
            self.held.graph_mut().done();
        }
    }

    /// Reads the models of twins of which nothing is known, to find them by the models that these extend.
    async fn learn(&self, model_ids: Vec<String>) -> Result<(), Error> {
        let unknown = read(&self.held.lineage).unknown(model_ids.iter().map(String::as_str));
        if unknown.is_empty() || self.held.models_hidden.get().is_some() {
            return Ok(());
        }
        match self.definitions(&unknown).await {
            Ok(models) => write(&self.held.lineage).learn(&unknown, &models),
            Err(error) if error.is(Kind::NotFound) => {
                for id in unknown {
                    let models = match self.definitions(std::slice::from_ref(&id)).await {
                        Err(error) if error.is(Kind::NotFound) => Vec::new(),
                        models => models?,
                    };
                    write(&self.held.lineage).learn(&[id], &models);
                }
            }
            Err(error) if error.is(Kind::PermissionDenied) => {
                self.held.models_hidden.get_or_init(|| status_of(&error));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn definitions(&self, model_ids: &[String]) -> Result<Vec<Model>, Error> {
        let mut models = self.client.items(ListModelsRequest {
            dependencies_for: model_ids.to_vec(),
            include_model_definition: true,
            ..Default::default()
        });
        let mut found = Vec::new();
        while let Some(model) = poll_fn(|cx| Pin::new(&mut models).poll_next(cx)).await {
            found.push(model?);
        }
        Ok(found)
    }

    /// Notes how far the changes have come: a saved state is whole again when it has caught up.
    fn knows_all_until(&mut self, time: Option<Timestamp>) {
        let in_order = |time: Timestamp| (time.seconds, time.nanos);
        if self.newest.is_some() && time.map(in_order) >= self.newest.map(in_order) {
            self.has_synced();
        }
    }

    fn has_synced(&mut self) {
        self.newest = None;
        self.state.send_modify(|state| state.is_synced = true);
    }

    fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Waits for something; `None` if the cache is closed before.
    async fn unless_closed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut closed = self.closed.clone();
        let mut closing = pin!(closed.wait_for(|is_closed| *is_closed));
        let mut work = pin!(work);
        poll_fn(|cx| {
            if closing.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(cx).map(Some)
        })
        .await
    }
}

/// The model of the twin that is told of.
fn model_of(item: &WatchItem) -> Option<&str> {
    match item {
        WatchItem::InitialItem(Resource::DigitalTwin(twin)) => Some(&twin.model_id),
        WatchItem::Change(change) => match &change.resource {
            Some(change::Resource::DigitalTwin(twin)) => Some(&twin.model_id),
            _ => None,
        },
        _ => None,
    }
}

/// The status of an error, which can be told more than once.
fn status_of(error: &Error) -> Status {
    error.failure().map_or_else(|| Status::unknown(error.to_string()), |failure| failure.status.clone())
}

/// Tells whether a watch that failed so would fail so again, however often it is tried. `was_there` tells whether it has brought
/// something before: credentials that were good once may be so again.
fn cannot_go_on(error: &Error, was_there: bool) -> bool {
    match error.code() {
        Code::Unauthenticated => !was_there,
        code => matches!(code, Code::Unimplemented | Code::InvalidArgument | Code::PermissionDenied | Code::Cancelled),
    }
}
