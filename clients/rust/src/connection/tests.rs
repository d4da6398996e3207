use std::{
    collections::VecDeque,
    sync::{Mutex, atomic::AtomicU32},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use prost::Message as _;
use tonic::{Code, Request, client::Grpc};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{
    service_config::{RetryPolicy, RetryableCode},
    *,
};
use crate::{
    Error,
    v1::{
        BatchWriteDigitalTwinsRequest, DeleteDigitalTwinRequest, GetDigitalTwinRequest, GetDigitalTwinResponse,
        StreamQueryTwinsRequest, digital_twin_service_client::DigitalTwinServiceClient,
        query_service_client::QueryServiceClient,
    },
};

/// How one attempt ends.
#[derive(Clone, Copy)]
enum Ending {
    Answer,
    /// A status in the headers of an answer without body, and when to try again.
    InHeaders(Code, Option<&'static str>),
    /// A status in the trailers, after no message.
    InTrailers(Code),
    /// A refusal with its reason.
    Refused(Code, &'static str),
    /// A refusal with its reason, and the word that no other attempt helps.
    Final(Code, &'static str),
    /// A refusal that is the outcome of an earlier attempt.
    Replayed(Code),
    Broken,
    Unreachable,
    Never,
    /// Headers, and then nothing.
    HeadersOnly,
}

/// Stands in for tonic's channel.
#[derive(Clone)]
struct Script {
    endings: Arc<Mutex<VecDeque<Ending>>>,
    seen: Arc<Mutex<Vec<HeaderMap>>>,
    sent: Arc<Mutex<Vec<Bytes>>>,
    dropped: Arc<AtomicU32>,
}

struct CountsDrops(Arc<AtomicU32>);

impl Drop for CountsDrops {
    fn drop(&mut self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

impl Service<http::Request<Body>> for Script {
    type Response = http::Response<Body>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.seen.lock().unwrap().push(request.headers().clone());
        let ending = self.endings.lock().unwrap().pop_front().expect("an attempt too many");
        let dropped = CountsDrops(self.dropped.clone());
        let sent = self.sent.clone();
        Box::pin(async move {
            let _dropped = dropped;
            let message = request.into_body().collect().await?.to_bytes();
            sent.lock().unwrap().push(message);
            match ending {
                Ending::Answer => {
                    // A message without a field, as it is framed.
                    let message = Frame::data(Bytes::from_static(&[0; 5]));
                    Ok(response(vec![message, Frame::trailers(status(Code::Ok))]))
                }
                Ending::InHeaders(code, pushback) => {
                    let mut answer = http::Response::new(Body::empty());
                    *answer.headers_mut() = status(code);
                    if let Some(told) = pushback {
                        answer.headers_mut().insert("grpc-retry-pushback-ms", told.parse().unwrap());
                    }
                    Ok(answer)
                }
                Ending::InTrailers(code) => Ok(response(vec![Frame::trailers(status(code))])),
                Ending::Refused(code, reason) => {
                    let info = ErrorDetails::with_error_info(reason, "twinfront", []);
                    Ok(Status::with_error_details(code, "No.", info).into_http())
                }
                Ending::Final(code, reason) => {
                    let info = ErrorDetails::with_error_info(reason, "twinfront", []);
                    let mut answer = Status::with_error_details(code, "No.", info).into_http();
                    answer.headers_mut().insert("grpc-retry-pushback-ms", "-1".parse().unwrap());
                    Ok(answer)
                }
                Ending::Replayed(code) => {
                    let mut answer = Status::new(code, "No.").into_http();
                    answer.headers_mut().insert("twinfront-replayed", "true".parse().unwrap());
                    Ok(answer)
                }
                Ending::Broken => Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()),
                Ending::Unreachable => Err(tonic::ConnectError("refused".into()).into()),
                Ending::Never => std::future::pending().await,
                Ending::HeadersOnly => {
                    Ok(http::Response::new(Body::new(http_body_util::StreamBody::new(tokio_stream::pending::<
                        Result<Frame<Bytes>, Status>,
                    >()))))
                }
            }
        })
    }
}

fn status(code: Code) -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), (code as i32).into())])
}

fn response(frames: Vec<Frame<Bytes>>) -> http::Response<Body> {
    let frames = tokio_stream::iter(frames.into_iter().map(Ok::<_, Status>));
    http::Response::new(Body::new(http_body_util::StreamBody::new(frames)))
}

impl Script {
    fn new(endings: impl IntoIterator<Item = Ending>) -> Self {
        Self {
            endings: Arc::new(Mutex::new(endings.into_iter().collect())),
            seen: Arc::default(),
            sent: Arc::default(),
            dropped: Arc::default(),
        }
    }

    fn header(&self, attempt: usize, name: &str) -> Option<String> {
        self.seen.lock().unwrap()[attempt].get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    fn attempts(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Reads a twin by it, with retries that take no time.
    async fn get(&self, timeout: Option<Duration>) -> Result<(), Status> {
        let connection = Connection::new(self.clone(), None, true);
        let mut request = Request::new(GetDigitalTwinRequest::default());
        if let Some(timeout) = timeout {
            request.set_timeout(timeout);
        }
        let path = "/twinfront.v1.DigitalTwinService/GetDigitalTwin".parse().unwrap();
        let codec = tonic_prost::ProstCodec::<_, GetDigitalTwinResponse>::default();
        Grpc::new(Quick(connection)).unary(request, path, codec).await.map(|_| ())
    }
}

/// A connection with a policy that does not make tests wait.
struct Quick(Connection<Script>);

impl Service<http::Request<Body>> for Quick {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let retry_policy = RetryPolicy {
            max_attempts: 3,
            initial_backoff: Duration::from_millis(1),
            max_backoff: Duration::from_millis(1),
            backoff_multiplier: 1.0,
            retryable_status_codes: vec![RetryableCode::Unavailable],
        };
        let policy = Policy { timeout: Some(Duration::from_secs(30)), retry_policy: Some(retry_policy) };
        Box::pin(self.0.clone().call(request, policy))
    }
}

#[tokio::test]
async fn a_call_is_sent_again_wherever_its_status_is() {
    let script = Script::new([
        Ending::InHeaders(Code::Unavailable, None),
        Ending::InTrailers(Code::Unavailable),
        Ending::Answer,
    ]);
    script.get(None).await.unwrap();
    assert_eq!(script.header(0, "grpc-previous-rpc-attempts"), None);
    assert_eq!(script.header(2, "grpc-previous-rpc-attempts").as_deref(), Some("2"));
}

#[tokio::test]
async fn a_broken_connection_is_unavailable_and_so_tried_again() {
    let script = Script::new([Ending::Broken, Ending::Broken, Ending::Broken]);
    let error = Error::from(script.get(None).await.unwrap_err());
    assert_eq!((error.code(), error.attempts()), (Code::Unavailable, 3));
    assert_eq!(script.attempts(), 3);
}

#[tokio::test]
async fn what_the_server_cancelled_is_unavailable_and_so_tried_again() {
    let cancelled = [Ending::InHeaders(Code::Cancelled, None), Ending::InTrailers(Code::Cancelled)];
    let script = Script::new(cancelled.into_iter().chain([Ending::Answer]));
    script.get(None).await.unwrap();

    for ending in cancelled {
        let status = Script::new([ending, ending, ending]).get(None).await.unwrap_err();
        let message = "the server ended the call without an answer: ";
        assert_eq!((status.code(), status.message()), (Code::Unavailable, message));
    }
}

/// Deletes a twin on a connection; gives the code that this ends with.
async fn delete(connection: &Connection<Script>) -> Code {
    try_delete(connection).await.map_or_else(|error| error.code(), |()| Code::Ok)
}

async fn try_delete(connection: &Connection<Script>) -> Result<(), Error> {
    let mut twins = DigitalTwinServiceClient::new(connection.clone());
    Ok(twins.delete_digital_twin(DeleteDigitalTwinRequest::default()).await.map(drop)?)
}

/// The codes that a write ends with, and how often it was sent, which depends on how the attempts end. An error says so too.
async fn written(endings: impl IntoIterator<Item = Ending>) -> (Code, usize) {
    let script = Script::new(endings);
    let written = try_delete(&Connection::new(script.clone(), None, true)).await;
    let code = written.map_or_else(
        |error| {
            assert_eq!(error.attempts() as usize, script.attempts());
            error.code()
        },
        |()| Code::Ok,
    );
    (code, script.attempts())
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_was_lost_is_sent_again_under_one_id() {
    let script = Script::new([Ending::Broken, Ending::InTrailers(Code::Unavailable), Ending::Answer]);
    assert_eq!(delete(&Connection::new(script.clone(), None, true)).await, Code::Ok);
    let sent = script.sent.lock().unwrap();
    let ids = sent.iter().map(|sent| DeleteDigitalTwinRequest::decode(&sent[5..]).unwrap().request_id);
    let ids: std::collections::HashSet<_> = ids.collect();
    assert!(sent.len() == 3 && ids.len() == 1 && !ids.contains(""), "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answers_are_lost_ends_after_five_attempts() {
    assert_eq!(written([Ending::Broken; 5]).await, (Code::Unavailable, 5));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_answer_is_believed_only_if_it_is_the_first_attempts() {
    assert_eq!(written([Ending::Broken, Ending::InTrailers(Code::Aborted)]).await, (Code::Unavailable, 2));
    assert_eq!(written([Ending::Broken, Ending::Replayed(Code::Aborted)]).await, (Code::Aborted, 2));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_not_sent_again_after_its_answer_was_lost() {
    let script = Script::new([Ending::Broken]);
    let mut twins = DigitalTwinServiceClient::new(Connection::new(script.clone(), None, true));
    let status = twins.batch_write_digital_twins(BatchWriteDigitalTwinsRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), script.attempts()), (Code::Unavailable, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_stopping_server_refused_is_sent_again_while_there_is_time() {
    let draining = std::iter::repeat_n(Ending::Refused(Code::Unavailable, "SERVER_DRAINING"), 300);
    assert_eq!(written(draining.clone().take(9).chain([Ending::Answer])).await, (Code::Ok, 10));
    let (code, attempts) = written(draining).await;
    assert!(code == Code::Unavailable && attempts > 20, "{code} after {attempts}");
}

#[tokio::test(start_paused = true)]
async fn what_the_upstream_did_not_get_is_sent_again_four_times() {
    let ending = Ending::Refused(Code::Unavailable, "UPSTREAM_UNAVAILABLE");
    assert_eq!(written([ending; 5]).await, (Code::Unavailable, 5));
    assert_eq!(written([Ending::Refused(Code::Unavailable, "SOMETHING_NEW")]).await, (Code::Unavailable, 1));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_gone_is_waited_for_if_it_was_there_before() {
    assert_eq!(written([Ending::Unreachable]).await, (Code::Unavailable, 1));

    let endings = std::iter::repeat_n(Ending::Unreachable, 9);
    let script = Script::new([Ending::Answer].into_iter().chain(endings).chain([Ending::Answer]));
    let connection = Connection::new(script.clone(), None, true);
    assert_eq!((delete(&connection).await, delete(&connection).await), (Code::Ok, Code::Ok));
    assert_eq!(script.attempts(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_breaks_the_first_call_is_waited_for() {
    let unreachable = std::iter::repeat_n(Ending::Unreachable, 9);
    assert_eq!(written([Ending::Broken].into_iter().chain(unreachable).chain([Ending::Answer])).await, (Code::Ok, 11));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_forbids_another_attempt_is_obeyed() {
    assert_eq!(written([Ending::Final(Code::Unavailable, "UPSTREAM_UNAVAILABLE")]).await, (Code::Unavailable, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_server_finds_too_late_after_a_lost_answer_says_so() {
    let late = Ending::Refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    assert_eq!(written([Ending::Broken, late]).await, (Code::DeadlineExceeded, 2));
}

#[tokio::test(start_paused = true)]
async fn a_stream_has_the_attempts_of_the_service_config_even_when_the_server_is_gone() {
    let unreachable = std::iter::repeat_n(Ending::Unreachable, 5);
    let script = Script::new([Ending::Answer].into_iter().chain(unreachable));
    let connection = Connection::new(script.clone(), None, true);
    assert_eq!(delete(&connection).await, Code::Ok);
    let mut queries = QueryServiceClient::new(connection);
    let status = queries.stream_query_twins(StreamQueryTwinsRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), script.attempts()), (Code::Unavailable, 6));
}

#[tokio::test]
async fn without_retry_each_call_is_sent_once_as_it_is() {
    let endings = [Ending::Refused(Code::Unavailable, "SERVER_DRAINING"), Ending::InHeaders(Code::Unavailable, None)];
    let script = Script::new(endings);
    let connection = Connection::new(script.clone(), None, false);
    assert_eq!(delete(&connection).await, Code::Unavailable);
    let mut twins = DigitalTwinServiceClient::new(connection);
    let status = twins.get_digital_twin(GetDigitalTwinRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), script.attempts()), (Code::Unavailable, 2));
    assert_eq!(script.sent.lock().unwrap()[0].as_ref(), [0; 5]);
}

#[tokio::test]
async fn other_codes_are_the_callers() {
    for ending in [Ending::InHeaders(Code::Aborted, None), Ending::InTrailers(Code::Aborted)] {
        let script = Script::new([ending]);
        assert_eq!(script.get(None).await.unwrap_err().code(), Code::Aborted);
    }
}

#[tokio::test]
async fn the_servers_word_on_when_to_try_again_is_kept() {
    let script = Script::new([Ending::InHeaders(Code::Unavailable, Some("-1"))]);
    assert_eq!(script.get(None).await.unwrap_err().code(), Code::Unavailable);

    let script = Script::new([Ending::InHeaders(Code::Unavailable, Some("40")), Ending::Answer]);
    let start = Instant::now();
    script.get(None).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(40));
}

#[tokio::test]
async fn no_try_begins_after_the_deadline() {
    let script = Script::new([Ending::InHeaders(Code::Unavailable, Some("60000"))]);
    assert_eq!(script.get(Some(Duration::from_secs(5))).await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_ended() {
    for ending in [Ending::Never, Ending::HeadersOnly] {
        let script = Script::new([ending]);
        let status = script.get(Some(Duration::from_millis(20))).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
        assert_eq!(script.dropped.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_call_has_the_timeout_of_the_service_config_or_its_own() {
    let script = Script::new([Ending::Answer, Ending::Answer]);
    let mut twins = DigitalTwinServiceClient::new(Connection::new(script.clone(), None, true));
    twins.get_digital_twin(GetDigitalTwinRequest::default()).await.unwrap();
    let mut request = Request::new(GetDigitalTwinRequest::default());
    request.set_timeout(Duration::from_secs(2));
    twins.get_digital_twin(request).await.unwrap();
    for (attempt, most) in [(0, 30_000_000), (1, 2_000_000)] {
        let timeout = script.header(attempt, "grpc-timeout").unwrap();
        let left: u64 = timeout.strip_suffix('u').unwrap().parse().unwrap();
        assert!(left <= most && left > most - 1_000_000, "{timeout}");
    }
}

#[tokio::test]
async fn the_token_is_asked_for_at_each_call() {
    let script = Script::new([Ending::Answer, Ending::Answer]);
    let asked = Arc::new(AtomicU32::new(0));
    let token = Token::new(move || {
        let number = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move { if number < 2 { Ok(format!("t{number}")) } else { Err("expired") } }
    });
    let mut twins = DigitalTwinServiceClient::new(Connection::new(script.clone(), Some(token), true));
    for _ in 0..2 {
        twins.get_digital_twin(GetDigitalTwinRequest::default()).await.unwrap();
    }
    assert_eq!(script.header(0, "authorization").as_deref(), Some("Bearer t0"));
    assert_eq!(script.header(1, "authorization").as_deref(), Some("Bearer t1"));

    let status = twins.get_digital_twin(GetDigitalTwinRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "there is no token: expired"));
    assert_eq!(script.attempts(), 2);
}

#[tokio::test]
async fn a_token_that_no_header_can_have_is_refused() {
    for token in ["", "a b", "a\nb", "ä"] {
        let token = Token::new(move || async move { Ok::<_, std::convert::Infallible>(token.to_owned()) });
        let mut twins = DigitalTwinServiceClient::new(Connection::new(Script::new([]), Some(token), true));
        let status = twins.get_digital_twin(GetDigitalTwinRequest::default()).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
    }
}
