use std::{
    collections::VecDeque,
    sync::{Mutex, atomic::AtomicU32},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body::Frame;
use tonic::{Code, Request, client::Grpc};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{service_config::RetryableCode, *};
use crate::v1::{
    CreateModelsRequest, GetDigitalTwinRequest, GetDigitalTwinResponse,
    digital_twin_service_client::DigitalTwinServiceClient, model_service_client::ModelServiceClient,
};

/// How one attempt ends.
#[derive(Clone, Copy)]
enum Ending {
    Answer,
    /// A status in the headers of an answer without body, and when to try again.
    InHeaders(Code, Option<&'static str>),
    /// A status in the trailers, after no message.
    InTrailers(Code),
    /// The refusal of a server that is about to stop.
    Draining,
    Broken,
    Never,
    /// Headers, and then nothing.
    HeadersOnly,
}

/// Stands in for tonic's channel.
#[derive(Clone)]
struct Script {
    endings: Arc<Mutex<VecDeque<Ending>>>,
    seen: Arc<Mutex<Vec<HeaderMap>>>,
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
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.seen.lock().unwrap().push(request.headers().clone());
        let ending = self.endings.lock().unwrap().pop_front().expect("an attempt too many");
        let dropped = CountsDrops(self.dropped.clone());
        Box::pin(async move {
            let _dropped = dropped;
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
                Ending::Draining => {
                    let info = ErrorDetails::with_error_info("SERVER_DRAINING", "twinfront", []);
                    let refusal = Status::with_error_details(Code::Unavailable, "No.", info);
                    Ok(refusal.into_http())
                }
                Ending::Broken => Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
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
        let connection = Connection::new(self.clone(), None);
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
    assert_eq!(script.get(None).await.unwrap_err().code(), Code::Unavailable);
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

#[tokio::test]
async fn what_a_stopping_server_refused_is_sent_again_five_times_at_the_most() {
    for refused in [4, 5] {
        let script = Script::new(std::iter::repeat_n(Ending::Draining, refused).chain([Ending::Answer]));
        let mut models = ModelServiceClient::new(Connection::new(script.clone(), None));
        let created = models.create_models(CreateModelsRequest::default()).await;
        assert_eq!((created.is_ok(), script.attempts()), (refused < 5, 5));
    }
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
    let mut twins = DigitalTwinServiceClient::new(Connection::new(script.clone(), None));
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
    let mut twins = DigitalTwinServiceClient::new(Connection::new(script.clone(), Some(token)));
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
        let mut twins = DigitalTwinServiceClient::new(Connection::new(Script::new([]), Some(token)));
        let status = twins.get_digital_twin(GetDigitalTwinRequest::default()).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
    }
}
