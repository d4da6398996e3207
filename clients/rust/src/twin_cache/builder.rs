use std::{
    fmt,
    sync::{Arc, OnceLock, RwLock},
};

use tokio::sync::watch;

use super::{
    Held, TwinCache,
    callbacks::Callbacks,
    follower::{Follower, State},
    graph::CachedGraph,
};
use crate::{
    Client, Resource, ValueError,
    v1::{ChangeContent, ChangeFilter, ChangeKind, InitialState, OnExpired, WatchRequest},
};

const TWINS: [ChangeKind; 3] = [ChangeKind::TwinCreated, ChangeKind::TwinUpdated, ChangeKind::TwinDeleted];
const RELATIONSHIPS: [ChangeKind; 3] =
    [ChangeKind::RelationshipCreated, ChangeKind::RelationshipUpdated, ChangeKind::RelationshipDeleted];

/// The options of a [`TwinCache`].
#[must_use]
pub struct TwinCacheBuilder {
    client: Client,
    filter: ChangeFilter,
    relationships: bool,
    indexed: Vec<String>,
    saved: Option<Vec<u8>>,
    callbacks: Callbacks,
}

impl TwinCacheBuilder {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            filter: ChangeFilter::default(),
            relationships: false,
            indexed: Vec::new(),
            saved: None,
            callbacks: Callbacks::default(),
        }
    }

    /// Only these digital twins.
    pub fn digital_twin_ids<T: Into<String>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.filter.digital_twin_ids = texts(ids);
        self
    }

    /// Only digital twins whose ids begin so; beside ids, either has to fit.
    pub fn digital_twin_id_prefixes<T: Into<String>>(mut self, prefixes: impl IntoIterator<Item = T>) -> Self {
        self.filter.digital_twin_id_prefixes = texts(prefixes);
        self
    }

    /// Only digital twins of these models and of their descendants.
    pub fn model_ids<T: Into<String>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.filter.model_ids = texts(ids);
        self
    }

    /// Holds the relationships that start from these digital twins as well.
    pub fn relationships(mut self) -> Self {
        self.relationships = true;
        self
    }

    /// Of the relationships only those with these names.
    pub fn relationship_names<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.filter.relationship_names = texts(names);
        self
    }

    /// JSON Pointers to the properties that [`find`](TwinCache::find) finds digital twins by.
    pub fn indexed<T: Into<String>>(mut self, pointers: impl IntoIterator<Item = T>) -> Self {
        self.indexed = texts(pointers);
        self
    }

    /// Goes on from what [`save`](TwinCache::save) gave, of a cache with the same options.
    pub fn saved(mut self, saved: impl Into<Vec<u8>>) -> Self {
        self.saved = Some(saved.into());
        self
    }

    /// Calls back with what has come in.
    ///
    /// Callbacks are called one after the other, once the cache shows what they are told. Nothing is read while one of them
    /// runs; a cache that takes long goes on where it was. One that panics does not end the cache.
    pub fn added<F, T>(mut self, mut callback: F) -> Self
    where
        F: FnMut(Resource) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        self.callbacks.added = Some(Box::new(move |after| Box::pin(callback(after))));
        self
    }

    /// Calls back with what it was before, and what it is.
    pub fn changed<F, T>(mut self, mut callback: F) -> Self
    where
        F: FnMut(Resource, Resource) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        self.callbacks.changed = Some(Box::new(move |before, after| Box::pin(callback(before, after))));
        self
    }

    /// Calls back with what it was.
    pub fn removed<F, T>(mut self, mut callback: F) -> Self
    where
        F: FnMut(Resource) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        self.callbacks.removed = Some(Box::new(move |before| Box::pin(callback(before))));
        self
    }

    /// Begins to follow the changes, as soon as there is a server.
    ///
    /// # Errors
    ///
    /// What was to be gone on from is nothing that was saved.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn start(self) -> Result<TwinCache, ValueError> {
        let (initial_state, kinds) = if self.relationships {
            (InitialState::Graph, [TWINS, RELATIONSHIPS].concat())
        } else {
            (InitialState::Twins, TWINS.to_vec())
        };
        let request = WatchRequest {
            initial_state: initial_state.into(),
            on_expired: OnExpired::Resync.into(),
            filter: Some(ChangeFilter { kinds: kinds.into_iter().map(i32::from).collect(), ..self.filter }),
            content: ChangeContent::After.into(),
            ..Default::default()
        };
        let mut graph = CachedGraph::new(self.indexed);
        if let Some(saved) = self.saved {
            graph.restore(&saved)?;
        }
        let held =
            Arc::new(Held { graph: RwLock::new(graph), lineage: RwLock::default(), models_hidden: OnceLock::new() });
        let (state, shown) = watch::channel(State::default());
        let (close, closed) = watch::channel(false);
        let follower = Follower::new(self.client, request, held.clone(), state, closed);
        tokio::spawn(follower.run(self.callbacks));
        Ok(TwinCache { held, state: shown, close })
    }
}

impl fmt::Debug for TwinCacheBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwinCacheBuilder").field("filter", &self.filter).finish_non_exhaustive()
    }
}

fn texts<T: Into<String>>(each: impl IntoIterator<Item = T>) -> Vec<String> {
    each.into_iter().map(Into::into).collect()
}
