use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::Serialize;
use tokio_stream::StreamExt as _;
use twinfront::{
    Client, Error, Patch,
    v1::{
        CreateOrReplaceDigitalTwinRequest, DigitalTwin, GetDigitalTwinRequest, GraphItem, ImportOptions,
        ListModelsRequest, StreamQueryTwinsRequest, UpdateDigitalTwinRequest, graph_item::Item,
    },
};

const MODEL_ID: &str = "dtmi:rolling:Counter;1";
const IMPORTED_TWINS: u32 = 100;
const READS_PER_STREAM: u64 = 10;

/// What came of the calls so far.
#[derive(Default, Serialize)]
pub(crate) struct Told {
    /// How many calls succeeded.
    pub(crate) calls: u64,
    /// How many others ended with which text.
    failures: BTreeMap<String, u64>,
    /// The last total of each twin that its writer was told is written.
    acknowledged: BTreeMap<String, i64>,
}

/// Callers on one client: for each twin one that writes it, and one that reads.
pub(crate) struct Callers {
    client: Client,
    is_stopped: AtomicBool,
    told: Mutex<Told>,
}

impl Callers {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, is_stopped: AtomicBool::new(false), told: Mutex::default() }
    }

    /// Has each caller end after the call that is under way.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts up until a write fails, each time under the etag of the last: one done twice would be refused.
    pub(crate) async fn write(self: Arc<Self>, id: String) {
        if let Err(error) = self.count_up(&id).await {
            self.note(&error);
        }
    }

    async fn count_up(&self, id: &str) -> Result<(), Error> {
        let request = CreateOrReplaceDigitalTwinRequest {
            digital_twin_id: id.into(),
            digital_twin: Some(counter("", 0)),
            if_none_match: "*".into(),
            ..Default::default()
        };
        let mut twins = self.client.digital_twins();
        let mut etag = twins.create_or_replace_digital_twin(request).await?.into_inner().etag;
        for total in 0_i64.. {
            {
                let mut told = self.told();
                told.calls += 1;
                told.acknowledged.insert(id.into(), total);
            }
            if self.is_stopped.load(Ordering::Relaxed) {
                break;
            }
            let request = UpdateDigitalTwinRequest {
                digital_twin_id: id.into(),
                patch: Patch::new().replace("/total", total + 1).operations()?,
                if_match: etag,
                ..Default::default()
            };
            etag = twins.update_digital_twin(request).await?.into_inner().etag;
        }
        Ok(())
    }

    /// Imports the same twins again and again, each time with a higher total, until an import fails.
    pub(crate) async fn import(self: Arc<Self>, prefix: String) {
        for total in 0.. {
            if self.is_stopped.load(Ordering::Relaxed) {
                return;
            }
            if let Err(error) = self.import_once(&prefix, total).await {
                return self.note(&error);
            }
            let mut told = self.told();
            told.calls += 1;
            told.acknowledged.insert(format!("{prefix}-{}", IMPORTED_TWINS - 1), total);
        }
    }

    async fn import_once(&self, prefix: &str, total: i64) -> Result<(), Error> {
        let prefix = prefix.to_owned();
        let twins = move || {
            let prefix = prefix.clone();
            tokio_stream::iter(0..IMPORTED_TWINS).map(move |number| {
                let twin = counter(&format!("{prefix}-{number}"), total);
                GraphItem { item: Some(Item::DigitalTwin(twin)) }
            })
        };
        let mut reports = self.client.import_graph(ImportOptions::default(), twins);
        while let Some(report) = reports.try_next().await? {
            let failed = report.results.iter().flat_map(|result| &result.status).find_map(Error::from_status);
            failed.map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    /// Reads the twin and the models, and with every tenth read the rows of a query.
    pub(crate) async fn read(self: Arc<Self>, id: String) {
        for number in 0.. {
            if self.is_stopped.load(Ordering::Relaxed) {
                return;
            }
            match self.read_once(&id, number).await {
                Ok(()) => self.told().calls += 1,
                Err(error) => self.note(&error),
            }
        }
    }

    async fn read_once(&self, id: &str, number: u64) -> Result<(), Error> {
        if number.is_multiple_of(READS_PER_STREAM) {
            let query = "SELECT * FROM digitaltwins".into();
            let mut rows = self.client.stream_query(StreamQueryTwinsRequest { query, ..Default::default() });
            while rows.try_next().await?.is_some() {}
        } else if !number.is_multiple_of(2) && self.told().acknowledged.contains_key(id) {
            let request = GetDigitalTwinRequest { digital_twin_id: id.into(), ..Default::default() };
            self.client.digital_twins().get_digital_twin(request).await?;
        } else {
            self.client.models().list_models(ListModelsRequest::default()).await?;
        }
        Ok(())
    }

    fn note(&self, error: &Error) {
        *self.told().failures.entry(error.to_string()).or_default() += 1;
    }
}

fn counter(id: &str, total: i64) -> DigitalTwin {
    DigitalTwin {
        id: id.into(),
        model_id: MODEL_ID.into(),
        properties: [("total".to_owned(), total.into())].into(),
        ..Default::default()
    }
}
