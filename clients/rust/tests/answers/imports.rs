//! Imports that break, and go on after what was acknowledged.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use prost::Message as _;
use tokio_stream::{Stream, StreamExt as _};
use twinfront::{
    Client, ClientBuilder, Error, Kind,
    tonic::{Code, Status},
    v1::{
        DigitalTwin, GraphItem, ImportGraphRequest, ImportGraphResponse, ImportOptions, ImportProgress,
        graph_item::Item,
    },
};

use super::serving::{End, OK, UNAVAILABLE, refused, serve, serve_to};

/// Those of all streams that were begun.
type Begun = Arc<Mutex<Vec<ImportOptions>>>;

/// A client of a server whose streams, from number 0, acknowledge so many items at the most, and end so.
async fn importing(ends: impl FnMut(usize) -> (usize, End) + Send + 'static) -> (Client, Begun) {
    importing_with(ends, |builder| builder).await
}

async fn importing_with(
    mut ends: impl FnMut(usize) -> (usize, End) + Send + 'static,
    options: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> (Client, Begun) {
    let begun = Begun::default();
    let seen = begun.clone();
    let answer = move |_: &str, request| {
        let request = ImportGraphRequest::decode(request).unwrap();
        let options = request.options.unwrap();
        let (most, end) = ends(seen.lock().unwrap().len());
        seen.lock().unwrap().push(options);
        let acknowledged_count = i64::try_from(most.min(request.items.len())).unwrap();
        let progress = ImportProgress {
            acknowledged_count,
            models_imported: 1,
            digital_twins_imported: (acknowledged_count - options.resume_from).max(0),
            relationships_imported: 2,
            failed: 3,
        };
        let report = ImportGraphResponse { progress: Some(progress), ..Default::default() };
        (vec![report.encode_to_vec()], end)
    };
    (serve_to(answer, options).await, begun)
}

/// So many twins, whose ids are their numbers.
fn numbered(count: usize) -> impl FnMut() -> tokio_stream::Iter<Box<dyn Iterator<Item = GraphItem> + Send>> {
    move || {
        let twin = |number: usize| DigitalTwin { id: number.to_string(), ..Default::default() };
        let items = (0..count).map(move |number| GraphItem { item: Some(Item::DigitalTwin(twin(number))) });
        tokio_stream::iter(Box::new(items) as Box<dyn Iterator<Item = GraphItem> + Send>)
    }
}

async fn last(
    mut reports: impl Stream<Item = Result<ImportGraphResponse, Error>> + Unpin,
) -> Result<ImportProgress, Error> {
    let mut last = ImportProgress::default();
    while let Some(report) = reports.try_next().await? {
        last = report.progress.unwrap();
    }
    Ok(last)
}

fn resumed_from(begun: &Begun) -> Vec<i64> {
    begun.lock().unwrap().iter().map(|options| options.resume_from).collect()
}

#[tokio::test]
async fn an_import_goes_on_after_what_was_acknowledged_and_adds_up_its_progress() {
    for end in [UNAVAILABLE(), End::Broken] {
        let (client, begun) =
            importing(move |number| if number < 2 { (150 * (number + 1), end.clone()) } else { (400, OK()) }).await;
        let options = ImportOptions { failures_only: true, ..Default::default() };
        let progress = last(client.import_graph(options, numbered(400))).await.unwrap();
        let wanted = ImportProgress {
            acknowledged_count: 400,
            models_imported: 3,
            digital_twins_imported: 400,
            relationships_imported: 6,
            failed: 9,
        };
        assert_eq!(progress, wanted);
        assert_eq!(resumed_from(&begun), [0, 150, 300]);
        assert!(begun.lock().unwrap().iter().all(|options| options.failures_only));
    }
}

#[tokio::test]
async fn an_import_is_given_up_at_the_fifth_break_without_progress() {
    let (client, begun) = importing(|_| (100, UNAVAILABLE())).await;
    let error = last(client.import_graph(ImportOptions::default(), numbered(1000))).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!(resumed_from(&begun), [0, 100, 100, 100, 100]);
}

#[tokio::test]
async fn an_import_is_given_up_at_the_fifth_outage() {
    for reason in ["UPSTREAM_UNAVAILABLE", "AUTHORIZER_UNAVAILABLE"] {
        let (client, begun) = importing(move |_| (0, refused(Code::Unavailable, reason))).await;
        let error = last(client.import_graph(ImportOptions::default(), numbered(1))).await.unwrap_err();
        assert_eq!((error.kind(), error.reason()), (Kind::Unavailable, Some(reason)));
        assert_eq!(begun.lock().unwrap().len(), 5);
    }
}

#[tokio::test]
async fn an_import_goes_on_while_servers_only_stop_however_often() {
    let (client, begun) =
        importing(|number| if number < 8 { (0, refused(Code::Unavailable, "SERVER_DRAINING")) } else { (250, OK()) })
            .await;
    let progress = last(client.import_graph(ImportOptions::default(), numbered(250))).await.unwrap();
    assert_eq!((progress.acknowledged_count, begun.lock().unwrap().len()), (250, 9));
}

#[tokio::test]
async fn an_import_that_is_refused_is_not_gone_on_with() {
    let (client, begun) = importing(|_| (0, End::Status(Status::invalid_argument("No.")))).await;
    let error = last(client.import_graph(ImportOptions::default(), numbered(1))).await.unwrap_err();
    assert_eq!((error.kind(), begun.lock().unwrap().len()), (Kind::InvalidArgument, 1));
}

#[tokio::test]
async fn without_retry_an_import_that_breaks_is_not_gone_on_with() {
    let (client, begun) = importing_with(|_| (0, UNAVAILABLE()), ClientBuilder::without_retry).await;
    let error = last(client.import_graph(ImportOptions::default(), numbered(1))).await.unwrap_err();
    assert_eq!((error.kind(), begun.lock().unwrap().len()), (Kind::Unavailable, 1));
}

#[tokio::test]
async fn an_import_of_nothing_ends() {
    let (client, begun) = importing(|_| (0, OK())).await;
    let progress = last(client.import_graph(ImportOptions::default(), numbered(0))).await.unwrap();
    assert_eq!((progress.acknowledged_count, begun.lock().unwrap().len()), (0, 1));
}

#[tokio::test]
async fn less_than_what_was_there_before_is_no_progress() {
    let (client, begun) = importing(|number| if number == 0 { (20, UNAVAILABLE()) } else { (100, OK()) }).await;
    let options = ImportOptions { resume_from: 50, ..Default::default() };
    let progress = last(client.import_graph(options, numbered(100))).await.unwrap();
    assert_eq!((progress.digital_twins_imported, resumed_from(&begun)), (50, vec![50, 50]));
}

#[tokio::test]
async fn a_server_that_counts_more_than_there_can_be_is_no_panic() {
    let progress = ImportProgress { acknowledged_count: 1, failed: i64::MAX, ..Default::default() };
    let report = ImportGraphResponse { progress: Some(progress), ..Default::default() }.encode_to_vec();
    let mut ends = [UNAVAILABLE(), OK()].into_iter();
    let client = serve(move |_, _| (vec![report.clone()], ends.next().unwrap())).await;
    let progress = last(client.import_graph(ImportOptions::default(), numbered(1))).await.unwrap();
    assert_eq!(progress.failed, i64::MAX);
}

#[tokio::test]
async fn dropping_the_reports_ends_the_import() {
    let (ended, mut has_ended) = tokio::sync::mpsc::unbounded_channel();
    let client = serve(move |_, _| {
        ended.send(()).unwrap();
        (vec![], OK())
    })
    .await;
    let endless = || tokio_stream::iter(std::iter::repeat(GraphItem::default())).throttle(Duration::from_millis(1));
    let mut reports = client.import_graph(ImportOptions::default(), endless);
    assert!(tokio::time::timeout(Duration::from_millis(300), reports.try_next()).await.is_err());
    assert!(has_ended.try_recv().is_err());
    drop(reports);
    tokio::time::timeout(Duration::from_secs(10), has_ended.recv()).await.unwrap();
}
