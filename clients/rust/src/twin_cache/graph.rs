use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Bound,
    sync::Arc,
};

use prost::Message as _;

use super::index::{index_key, key_at};
use crate::{
    Resource, ValueError,
    v1::{
        Change, ChangeKind, Changes, DigitalTwin, InitialItems, Relationship, Value, WatchResponse, change,
        watch_response::Item,
    },
};

/// How a saved state begins: with the version of the form that it has.
const VERSION: &[u8] = b"twinfront cache 1\n";

/// The id of a digital twin, and that of a relationship which starts from it; empty for the twin itself.
pub(super) type Key = (String, String);

/// A key, and the resource that is found by it from now on; `None` if there is none any more.
pub(super) type Step = (Key, Option<Resource>);

/// Holds digital twins and relationships, with what finds them, and says what becomes of them with each thing that is told.
///
/// A change is told with the resource as the server found it when it told the change, so that it may show later changes as well.
/// These come all the same, and what they bring is known then: it has the same etag. The last that is told of something always
/// brings what it has come to.
#[derive(Debug)]
pub(super) struct CachedGraph {
    twins: BTreeMap<String, Arc<DigitalTwin>>,
    outgoing: HashMap<String, BTreeMap<String, Arc<Relationship>>>,
    incoming: HashMap<String, BTreeSet<Key>>,
    by_model: HashMap<String, BTreeSet<String>>,
    by_value: HashMap<String, HashMap<String, BTreeSet<String>>>,
    /// What has come of the state that is being told, if one is.
    listed: Option<HashSet<Key>>,
    resume_token: String,
    /// The ids of the changes behind the token that are in the state as well.
    handled: Vec<String>,
    /// What was there before the step that not all know of yet.
    in_work: Option<Step>,
}

impl CachedGraph {
    /// Holds nothing yet; `indexed` are JSON Pointers to the properties to find twins by.
    pub(super) fn new(indexed: impl IntoIterator<Item = String>) -> Self {
        Self {
            twins: BTreeMap::new(),
            outgoing: HashMap::new(),
            incoming: HashMap::new(),
            by_model: HashMap::new(),
            by_value: indexed.into_iter().map(|pointer| (pointer, HashMap::new())).collect(),
            listed: Some(HashSet::new()),
            resume_token: String::new(),
            handled: Vec::new(),
            in_work: None,
        }
    }

    // What it holds.

    pub(super) fn len(&self) -> usize {
        self.twins.len()
    }

    pub(super) fn twin(&self, id: &str) -> Option<Arc<DigitalTwin>> {
        self.twins.get(id).cloned()
    }

    /// Lists the twins whose ids begin so, in the order of their ids.
    pub(super) fn twins(&self, prefix: &str) -> Vec<Arc<DigitalTwin>> {
        let behind = self.twins.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        behind.take_while(|(id, _)| id.starts_with(prefix)).map(|(_, twin)| twin.clone()).collect()
    }

    /// Lists the twins of the models that fit, in the order of their ids.
    pub(super) fn twins_of(&self, fits: impl Fn(&str) -> bool) -> Vec<Arc<DigitalTwin>> {
        let members = self.by_model.iter().filter(|(model, _)| fits(model)).flat_map(|(_, members)| members);
        members.collect::<BTreeSet<_>>().into_iter().filter_map(|id| self.twin(id)).collect()
    }

    /// Lists the twins that have a value, in the order of their ids; `None` if they are not indexed by it.
    pub(super) fn with_value(&self, pointer: &str, value: &Value) -> Option<Vec<Arc<DigitalTwin>>> {
        let members = self.by_value.get(pointer)?.get(&index_key(value));
        Some(members.into_iter().flatten().filter_map(|id| self.twin(id)).collect())
    }

    pub(super) fn relationship(&self, twin_id: &str, id: &str) -> Option<Arc<Relationship>> {
        self.outgoing.get(twin_id)?.get(id).cloned()
    }

    /// Lists the relationships that start from a twin, in the order of their ids.
    pub(super) fn outgoing(&self, twin_id: &str) -> Vec<Arc<Relationship>> {
        self.outgoing.get(twin_id).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Lists the relationships that point to a twin, in the order of their sources.
    pub(super) fn incoming(&self, twin_id: &str) -> Vec<Arc<Relationship>> {
        let keys = self.incoming.get(twin_id).into_iter().flatten();
        keys.filter_map(|(source, id)| self.relationship(source, id)).collect()
    }

    pub(super) fn models(&self) -> impl Iterator<Item = &str> {
        self.by_model.keys().map(String::as_str)
    }

    // What becomes of it.

    /// Tells whether the state is being told, from its first item.
    pub(super) fn is_listing(&self) -> bool {
        self.listed.is_some()
    }

    /// The token of the last message that is in the state; empty for none.
    pub(super) fn resume_token(&self) -> &str {
        &self.resume_token
    }

    pub(super) fn handled_ids(&self) -> Vec<String> {
        self.handled.clone()
    }

    /// Forgets where to go on, so that the state is told anew; what is known stays until that says otherwise.
    pub(super) fn begin_anew(&mut self) {
        self.reached(String::new());
        self.begin_listing();
    }

    /// Notes that the state is told anew: what is not in it is gone.
    pub(super) fn begin_listing(&mut self) {
        self.listed = Some(HashSet::new());
    }

    /// Gives the step that a resource of the state makes; none if it is known as it is.
    pub(super) fn listed(&mut self, resource: Resource) -> Vec<Step> {
        let key = key_of(&resource);
        if let Some(listed) = &mut self.listed {
            listed.insert(key.clone());
        }
        match self.get(&key) {
            Some(known) if is_same(&known, &resource) => Vec::new(),
            _ => vec![(key, Some(resource))],
        }
    }

    /// Gives the steps that take away what was not in the state: relationships go before twins.
    pub(super) fn unlisted(&self) -> Vec<Step> {
        let is_listed = |key: &Key| self.listed.as_ref().is_none_or(|listed| listed.contains(key));
        removals(self.resources().map(|one| key_of(&one)).filter(|key| !is_listed(key)))
    }

    /// Notes that the state has come, and where changes follow.
    pub(super) fn end_listing(&mut self, resume_token: String) {
        self.listed = None;
        self.reached(resume_token);
    }

    /// Gives the steps that a change makes; none if what it brings is known already. What changes while the state is told is part
    /// of the state.
    pub(super) fn changed(&mut self, change: Change) -> Vec<Step> {
        let key = (change.digital_twin_id.clone(), change.relationship_id.clone());
        if let Some(listed) = &mut self.listed {
            listed.insert(key.clone());
        }
        let known = self.get(&key);
        if known.as_ref().is_some_and(|known| is_older(&change, known)) {
            return Vec::new();
        }
        if is_deletion(&change) {
            let mut gone = HashSet::new();
            if key.1.is_empty() {
                let outgoing = self.outgoing.get(&key.0).into_iter().flat_map(BTreeMap::keys);
                gone.extend(outgoing.map(|id| (key.0.clone(), id.clone())));
                if change.incoming_relationships_left {
                    gone.extend(self.incoming.get(&key.0).into_iter().flatten().cloned());
                }
            }
            gone.extend(known.map(|_| key));
            return removals(gone);
        }
        let resource = match change.resource {
            Some(change::Resource::DigitalTwin(twin)) => Resource::from(twin),
            Some(change::Resource::Relationship(relationship)) => Resource::from(relationship),
            _ => return Vec::new(),
        };
        if known.is_some_and(|known| is_same(&known, &resource)) {
            return Vec::new();
        }
        vec![(key, Some(resource))]
    }

    /// Takes a step, and gives what there was before; until it is `done`, what is saved is as before it.
    pub(super) fn take(&mut self, (key, after): Step) -> Option<Resource> {
        let before = self.get(&key);
        self.in_work = Some((key, before.clone()));
        if let Some(before) = &before {
            self.forget(before);
        }
        if let Some(after) = after {
            self.keep(after);
        }
        before
    }

    /// Notes that all know of the last step.
    pub(super) fn done(&mut self) {
        self.in_work = None;
    }

    /// Notes that a change behind the token is in the state.
    pub(super) fn handled(&mut self, change_id: String) {
        self.handled.push(change_id);
    }

    /// Notes that all before a token is in the state.
    pub(super) fn reached(&mut self, resume_token: String) {
        self.resume_token = resume_token;
        self.handled.clear();
    }

    /// Writes all that it holds, and where it goes on, in messages of the contract: the state with its token, and changes with
    /// nothing but the ids of those behind it that are in the state as well.
    pub(super) fn save(&self) -> Vec<u8> {
        let mut items = InitialItems::default();
        let in_work = self.in_work.as_ref().map(|(key, _)| key);
        let before = self.in_work.as_ref().and_then(|(_, before)| before.clone());
        for resource in self.resources().filter(|one| Some(&key_of(one)) != in_work).chain(before) {
            match resource {
                Resource::DigitalTwin(twin) => items.digital_twins.push(Arc::unwrap_or_clone(twin)),
                Resource::Relationship(one) => items.relationships.push(Arc::unwrap_or_clone(one)),
            }
        }
        let resume_token = if self.is_listing() { String::new() } else { self.resume_token.clone() };
        let handled = self.handled.iter().map(|id| Change { id: id.clone(), ..Default::default() }).collect();
        let mut saved = VERSION.to_vec();
        for message in [
            WatchResponse { resume_token, item: Some(Item::InitialItems(items)) },
            WatchResponse { item: Some(Item::Changes(Changes { changes: handled })), ..Default::default() },
        ] {
            saved.extend(message.encode_length_delimited_to_vec());
        }
        saved
    }

    /// Reads what was saved.
    pub(super) fn restore(&mut self, saved: &[u8]) -> Result<(), ValueError> {
        let read = || {
            let mut rest = saved.strip_prefix(VERSION)?;
            let state = WatchResponse::decode_length_delimited(&mut rest).ok()?;
            let handled = WatchResponse::decode_length_delimited(&mut rest).ok()?;
            match (state.item, handled.item) {
                (Some(Item::InitialItems(items)), Some(Item::Changes(changes))) if rest.is_empty() => {
                    Some((state.resume_token, items, changes.changes))
                }
                _ => None,
            }
        };
        let (resume_token, items, changes) = read().ok_or_else(|| {
            ValueError::new("is no saved state of a TwinCache, or one of another version of the client")
        })?;
        let twins = items.digital_twins.into_iter().map(Resource::from);
        for resource in twins.chain(items.relationships.into_iter().map(Resource::from)) {
            self.keep(resource);
        }
        if !resume_token.is_empty() {
            self.listed = None;
        }
        self.resume_token = resume_token;
        self.handled = changes.into_iter().map(|change| change.id).collect();
        Ok(())
    }

    fn get(&self, (twin_id, relationship_id): &Key) -> Option<Resource> {
        if relationship_id.is_empty() {
            self.twin(twin_id).map(Resource::DigitalTwin)
        } else {
            self.relationship(twin_id, relationship_id).map(Resource::Relationship)
        }
    }

    fn resources(&self) -> impl Iterator<Item = Resource> {
        let relationships = self.outgoing.values().flat_map(BTreeMap::values);
        let twins = self.twins.values().cloned().map(Resource::DigitalTwin);
        twins.chain(relationships.cloned().map(Resource::Relationship))
    }

    fn keep(&mut self, resource: Resource) {
        match resource {
            Resource::DigitalTwin(twin) => {
                self.by_model.entry(twin.model_id.clone()).or_default().insert(twin.id.clone());
                for (pointer, place) in &mut self.by_value {
                    if let Some(key) = key_at(&twin, pointer) {
                        place.entry(key).or_default().insert(twin.id.clone());
                    }
                }
                self.twins.insert(twin.id.clone(), twin);
            }
            Resource::Relationship(one) => {
                let key = (one.source_id.clone(), one.id.clone());
                self.incoming.entry(one.target_id.clone()).or_default().insert(key);
                self.outgoing.entry(one.source_id.clone()).or_default().insert(one.id.clone(), one);
            }
        }
    }

    fn forget(&mut self, resource: &Resource) {
        match resource {
            Resource::DigitalTwin(twin) => {
                self.twins.remove(&twin.id);
                remove(&mut self.by_model, &twin.model_id, &twin.id);
                for (pointer, place) in &mut self.by_value {
                    if let Some(key) = key_at(twin, pointer) {
                        remove(place, &key, &twin.id);
                    }
                }
            }
            Resource::Relationship(one) => {
                let key = (one.source_id.clone(), one.id.clone());
                remove(&mut self.incoming, &one.target_id, &key);
                if let Some(members) = self.outgoing.get_mut(&one.source_id) {
                    members.remove(&one.id);
                    if members.is_empty() {
                        self.outgoing.remove(&one.source_id);
                    }
                }
            }
        }
    }
}

/// Removes a member, and with the last one its name.
fn remove<M: Ord>(place: &mut HashMap<String, BTreeSet<M>>, name: &str, member: &M) {
    if let Some(members) = place.get_mut(name) {
        members.remove(member);
        if members.is_empty() {
            place.remove(name);
        }
    }
}

/// Makes the steps that take resources away: relationships before twins, in the order of their keys.
fn removals(keys: impl IntoIterator<Item = Key>) -> Vec<Step> {
    let mut keys: Vec<_> = keys.into_iter().collect();
    keys.sort_by(|one, other| (one.1.is_empty(), one).cmp(&(other.1.is_empty(), other)));
    keys.into_iter().map(|key| (key, None)).collect()
}

fn key_of(resource: &Resource) -> Key {
    match resource {
        Resource::DigitalTwin(twin) => (twin.id.clone(), String::new()),
        Resource::Relationship(one) => (one.source_id.clone(), one.id.clone()),
    }
}

/// Tells whether something is as it is known; without etags nobody can tell but by all that there is.
fn is_same(known: &Resource, told: &Resource) -> bool {
    let etag_of = |resource: &Resource| match resource {
        Resource::DigitalTwin(twin) => twin.etag.clone(),
        Resource::Relationship(one) => one.etag.clone(),
    };
    let (known_etag, told_etag) = (etag_of(known), etag_of(told));
    if known_etag.is_empty() || told_etag.is_empty() { known == told } else { known_etag == told_etag }
}

fn is_deletion(change: &Change) -> bool {
    matches!(change.kind(), ChangeKind::TwinDeleted | ChangeKind::RelationshipDeleted)
}

/// Tells whether what is known has a change in it already.
///
/// The changes of a source that tells no etags begin before the state was read. What they are older than says the twin's own time.
/// A twin that leaves what is watched has been changed, and not deleted: it comes without itself.
fn is_older(change: &Change, known: &Resource) -> bool {
    let has_twin = matches!(change.resource, Some(change::Resource::DigitalTwin(_)));
    let has_left = is_deletion(change) && !has_twin;
    match known {
        Resource::DigitalTwin(twin) if change.etag.is_empty() && !has_left => {
            let in_order = |time: &prost_types::Timestamp| (time.seconds, time.nanos);
            let changed = change.time.as_ref().map(in_order);
            twin.last_update_time.as_ref().is_some_and(|known| changed <= Some(in_order(known)))
        }
        _ => false,
    }
}
