//! Streams of rows that break, and lists that do not end.

use std::sync::{Arc, Mutex};

use prost::Message as _;
use tokio_stream::StreamExt as _;
use twinfront::{
    Client, Error, Kind,
    tonic::{Code, Status},
    v1::{
        ExportGraphRequest, ExportGraphResponse, ListModelsRequest, ListModelsResponse, Model, StreamQueryTwinsRequest,
    },
};

use super::serving::{Answer, End, OK, UNAVAILABLE, refused, rows, serve};

/// The numbers of the rows that a query gives, each stream of which is answered by its resume token, the error that it
/// ends with, and the resume tokens of the streams.
async fn read(mut answer: impl FnMut(&str) -> Answer + Send + 'static) -> (Vec<i64>, Option<Error>, Vec<String>) {
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let seen = tokens.clone();
    let client = serve(move |_, request| {
        let request = StreamQueryTwinsRequest::decode(request).unwrap();
        seen.lock().unwrap().push(request.resume_token.clone());
        answer(&request.resume_token)
    })
    .await;
    let mut stream = client.stream_query(StreamQueryTwinsRequest { query: "SELECT".into(), ..Default::default() });
    let mut numbers = Vec::new();
    let error = loop {
        match stream.try_next().await {
            Ok(Some(row)) => numbers.push(row.fields["n"].as_i64().unwrap()),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    let tokens = tokens.lock().unwrap().clone();
    (numbers, error, tokens)
}

#[tokio::test]
async fn a_stream_goes_on_where_it_broke() {
    for end in [UNAVAILABLE(), End::Broken] {
        let (numbers, error, tokens) = read(move |token| match token {
            "" => (vec![rows([1], "1"), rows([2], "2")], end.clone()),
            _ => (vec![rows([3], "")], OK()),
        })
        .await;
        assert_eq!((numbers, tokens), (vec![1, 2, 3], vec!["".to_owned(), "2".to_owned()]));
        assert!(error.is_none());
    }
}

#[tokio::test]
async fn a_stream_that_breaks_after_its_last_message_is_whole() {
    for end in [UNAVAILABLE(), End::Broken, End::Status(Status::internal("No."))] {
        let first = end.clone();
        let (numbers, error, tokens) = read(move |_| (vec![rows([1], "1"), rows([2], "")], first.clone())).await;
        assert_eq!((numbers, tokens.len()), (vec![1, 2], 1));
        assert!(error.is_none());
        let (numbers, error, tokens) = read(move |_| (vec![rows([1, 2], "")], end.clone())).await;
        assert_eq!((numbers, tokens.len()), (vec![1, 2], 1));
        assert!(error.is_none());
    }
}

#[tokio::test]
async fn a_stream_that_was_gone_on_with_is_whole_after_its_last_message_too() {
    let (numbers, error, tokens) = read(|token| match token {
        "" => (vec![rows([1], "1")], UNAVAILABLE()),
        _ => (vec![rows([2], "")], UNAVAILABLE()),
    })
    .await;
    assert_eq!((numbers, tokens.len()), (vec![1, 2], 2));
    assert!(error.is_none());
}

#[tokio::test]
async fn a_row_starts_the_count_of_breaks_anew() {
    let mut streams = 0;
    let (numbers, error, tokens) = read(move |token| {
        streams += 1;
        let reached = token.parse().unwrap_or(0);
        match (streams % 4, reached) {
            (0, 2) => (vec![rows([3], "")], OK()),
            (0, _) => (vec![rows([reached + 1], &(reached + 1).to_string())], UNAVAILABLE()),
            _ => (vec![rows([], &reached.to_string())], UNAVAILABLE()),
        }
    })
    .await;
    assert_eq!((numbers, tokens.len()), (vec![1, 2, 3], 12));
    assert!(error.is_none());
}

#[tokio::test]
async fn a_stream_that_leads_nowhere_is_given_up() {
    let mut streams = 0;
    let (numbers, error, tokens) = read(move |_| {
        streams += 1;
        (vec![rows([], &streams.to_string())], UNAVAILABLE())
    })
    .await;
    assert_eq!((numbers.len(), tokens.len()), (0, 5));
    let error = error.unwrap();
    assert_eq!((error.kind(), error.attempts()), (Kind::Unavailable, 5));
    // Nor does it end if rows come again and again for the same token.
    let (numbers, error, tokens) = read(|_| (vec![rows([1], "1")], UNAVAILABLE())).await;
    assert_eq!((numbers.len(), tokens.len()), (5, 5));
    assert!(error.unwrap().is(Kind::Unavailable));
}

#[tokio::test]
async fn a_stream_that_fails_otherwise_is_not_gone_on_with() {
    let (numbers, error, tokens) = read(|_| (vec![rows([1], "1")], End::Status(Status::aborted("No.")))).await;
    assert_eq!((numbers.len(), tokens.len()), (1, 1));
    assert!(error.unwrap().is(Kind::Aborted));
}

#[tokio::test]
async fn a_stream_is_tried_more_often_while_servers_stop() {
    let draining = refused(Code::Unavailable, "SERVER_DRAINING");
    let mut streams = 0;
    let (numbers, error, tokens) = read(move |_| {
        streams += 1;
        if streams < 8 { (vec![rows([], "1")], draining.clone()) } else { (vec![rows([1], "")], OK()) }
    })
    .await;
    assert_eq!((numbers, tokens.len()), (vec![1], 8));
    assert!(error.is_none());
}

#[tokio::test]
async fn an_export_goes_on_where_it_broke() {
    let client = serve(|_, request| {
        let token = ExportGraphRequest::decode(request).unwrap().resume_token;
        let chunk = |text: String, token: &str| {
            ExportGraphResponse { chunk: text.into(), resume_token: token.into(), ..Default::default() }.encode_to_vec()
        };
        match token.as_str() {
            "" => (vec![chunk("a".into(), "1"), chunk("b".into(), "2")], End::Broken),
            token => (vec![chunk(format!("c after {token}"), "")], OK()),
        }
    })
    .await;
    let mut messages = client.export_graph(ExportGraphRequest::default());
    let mut text = String::new();
    while let Some(message) = messages.try_next().await.unwrap() {
        text += std::str::from_utf8(&message.chunk).unwrap();
    }
    assert_eq!(text, "abc after 2");
}

/// The ids of the models of all pages, each page of which is found by its token.
async fn list(client: &Client) -> (Vec<String>, Option<Error>) {
    let mut models = client.items(ListModelsRequest::default());
    let mut ids = Vec::new();
    loop {
        match models.try_next().await {
            Ok(Some(model)) => ids.push(model.id),
            Ok(None) => return (ids, None),
            Err(error) => return (ids, Some(error)),
        }
    }
}

#[tokio::test]
async fn page_tokens_that_lead_in_a_circle_are_an_error() {
    for (after, most) in [(["1", "1", "1"], 2), (["1", "2", "1"], 6)] {
        let client = serve(move |_, request| {
            let token = ListModelsRequest::decode(request).unwrap().page_token;
            let next_page_token = after[token.parse().unwrap_or(0)].to_owned();
            let model = Model { id: token, ..Default::default() };
            (vec![ListModelsResponse { models: vec![model], next_page_token }.encode_to_vec()], OK())
        })
        .await;
        let (ids, error) = list(&client).await;
        assert!(ids.len() <= most, "{ids:?}");
        let error = error.unwrap();
        assert_eq!(
            (error.kind(), error.failure().unwrap().status.message()),
            (Kind::Other, "the server's page tokens lead in a circle")
        );
    }
}
