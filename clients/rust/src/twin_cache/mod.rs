//! A part of the graph that is kept in memory, and stays as it is in the service.

mod builder;
mod callbacks;
mod follower;
mod graph;
mod index;
mod lineage;

use std::{
    fmt,
    sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use serde::Serialize;
use tokio::sync::watch;
use tonic::Status;

pub use self::builder::TwinCacheBuilder;
use self::{follower::State, graph::CachedGraph, lineage::Lineage};
use crate::{
    Client, Error, ValueError, to_value,
    v1::{DigitalTwin, Relationship},
};

/// Digital twins in memory, which stay as they are in the service.
///
/// It reads the state as it is, follows the changes, and goes on by itself where that breaks, for as long as it takes. Where
/// changes are lost, or not told one by one, it reads the state again and tells what is another by then. Dropping it ends it.
///
/// ```no_run
/// use twinfront::{Resource, TwinCache};
///
/// # async fn example(client: twinfront::Client) -> Result<(), twinfront::Error> {
/// let rooms = TwinCache::builder(&client)
///     .model_ids(["dtmi:example:Room;1"])
///     .indexed(["/temperature"])
///     .changed(|before, after| async move {
///         if let (Resource::DigitalTwin(before), Resource::DigitalTwin(after)) = (before, after) {
///             println!("{}: {:?} {:?}", after.id, before.properties, after.properties);
///         }
///     })
///     .start()?;
/// rooms.synced().await?;
/// println!("{} rooms, {} of them at 20 degrees", rooms.len(), rooms.find("/temperature", 20)?.len());
/// # Ok(())
/// # }
/// ```
pub struct TwinCache {
    held: Arc<Held>,
    state: watch::Receiver<State>,
    close: watch::Sender<bool>,
}

/// What the cache and its task share.
struct Held {
    graph: RwLock<CachedGraph>,
    lineage: RwLock<Lineage>,
    /// Why the models of the twins cannot be read, if the caller may not.
    models_hidden: OnceLock<Status>,
}

impl TwinCache {
    /// Options of a cache that reads with a client.
    pub fn builder(client: &Client) -> TwinCacheBuilder {
        TwinCacheBuilder::new(client.clone())
    }

    /// The number of digital twins.
    pub fn len(&self) -> usize {
        self.held.graph().len()
    }

    /// Tells whether it holds no digital twin.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A digital twin; `None` if there is none.
    pub fn get(&self, digital_twin_id: &str) -> Option<Arc<DigitalTwin>> {
        self.held.graph().twin(digital_twin_id)
    }

    /// All digital twins, in the order of their ids.
    pub fn list(&self) -> Vec<Arc<DigitalTwin>> {
        self.list_by_prefix("")
    }

    /// The digital twins whose ids begin so, in the order of their ids.
    pub fn list_by_prefix(&self, prefix: &str) -> Vec<Arc<DigitalTwin>> {
        self.held.graph().twins(prefix)
    }

    /// The digital twins of a model and of its descendants, in the order of their ids.
    ///
    /// # Errors
    ///
    /// [`Kind::PermissionDenied`](crate::Kind::PermissionDenied): the caller may not read what the models of the twins extend.
    pub fn list_by_model(&self, model_id: &str) -> Result<Vec<Arc<DigitalTwin>>, Error> {
        if let Some(status) = self.held.models_hidden.get() {
            return Err(status.clone().into());
        }
        let lineage = read(&self.held.lineage);
        Ok(self.held.graph().twins_of(|model| lineage.descends(model, model_id)))
    }

    /// The digital twins that have a value, in the order of their ids; 20 and 20.0 are the same. `pointer` is the JSON Pointer to
    /// the property, one of those that the cache is [`indexed`](TwinCacheBuilder::indexed) by.
    ///
    /// # Errors
    ///
    /// The twins are not indexed by it, or no twin can have such a value.
    pub fn find(&self, pointer: &str, value: impl Serialize) -> Result<Vec<Arc<DigitalTwin>>, ValueError> {
        let found = self.held.graph().with_value(pointer, &to_value(value)?);
        found.ok_or_else(|| ValueError::new(format!("cannot be found: the cache is not indexed by {pointer}")))
    }

    /// A relationship; `None` if there is none.
    pub fn get_relationship(&self, digital_twin_id: &str, relationship_id: &str) -> Option<Arc<Relationship>> {
        self.held.graph().relationship(digital_twin_id, relationship_id)
    }

    /// The relationships that start from a digital twin, in the order of their ids.
    pub fn relationships(&self, digital_twin_id: &str) -> Vec<Arc<Relationship>> {
        self.held.graph().outgoing(digital_twin_id)
    }

    /// The relationships that point to a digital twin, of those that the cache holds.
    pub fn incoming_relationships(&self, digital_twin_id: &str) -> Vec<Arc<Relationship>> {
        self.held.graph().incoming(digital_twin_id)
    }

    /// Tells whether it has shown a whole state since it began.
    pub fn is_synced(&self) -> bool {
        self.state.borrow().is_synced
    }

    /// What keeps it from following the changes at present; `None` if nothing does.
    pub fn error(&self) -> Option<Error> {
        self.state.borrow().error.clone().map(Error::from)
    }

    /// Waits until it has shown a whole state since it began.
    ///
    /// # Errors
    ///
    /// It has ended before: it was closed, the caller is not permitted to watch, or the server follows no source.
    pub async fn synced(&self) -> Result<(), Error> {
        let mut state = self.state.clone();
        if state.wait_for(|state| state.is_synced).await.is_ok() || self.is_synced() {
            return Ok(());
        }
        Err(self.error().unwrap_or_else(|| Status::cancelled("the cache was closed").into()))
    }

    /// Waits until it has ended: the callback that was running has, and what it holds stays.
    ///
    /// # Errors
    ///
    /// It was not closed: it cannot go on, for the caller is not permitted to watch, or the server follows no source.
    pub async fn ended(&self) -> Result<(), Error> {
        let mut state = self.state.clone();
        while state.changed().await.is_ok() {}
        match self.error() {
            Some(error) if !*self.close.borrow() => Err(error),
            _ => Ok(()),
        }
    }

    /// Ends it, which [`ended`](TwinCache::ended) waits for; what it holds stays, and can be saved. A callback may do so.
    pub fn close(&self) {
        self.close.send_replace(true);
    }

    /// Writes all that it holds, and where it goes on, to be given as [`saved`](TwinCacheBuilder::saved) to a cache with the same
    /// options. What it is about to tell is told again then.
    pub fn save(&self) -> Vec<u8> {
        self.held.graph().save()
    }
}

impl Drop for TwinCache {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for TwinCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwinCache").field("len", &self.len()).field("is_synced", &self.is_synced()).finish()
    }
}

impl Held {
    fn graph(&self) -> RwLockReadGuard<'_, CachedGraph> {
        read(&self.graph)
    }

    fn graph_mut(&self) -> RwLockWriteGuard<'_, CachedGraph> {
        write(&self.graph)
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
