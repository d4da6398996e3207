//! What is between the generated clients and tonic's channel: timeouts, retries, tokens.

mod body;
mod broken;
mod deadline;
mod retries;
mod servers;
mod service_config;
mod writes;

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use http::{HeaderName, Request, Response, StatusCode, header::AUTHORIZATION, request::Parts};
use http_body_util::{BodyExt as _, Full};
use tonic::{Code, Status, body::Body};
use tower_service::Service;

pub use self::servers::Servers;
pub(crate) use self::{
    body::MAX_RECEIVE_BYTES,
    broken::was_never_sent,
    retries::{SEVERAL_ATTEMPTS, UNBOUNDED, forbids_another, most_attempts},
};
use self::{
    body::{AnswerBody, WantedBody},
    deadline::Deadline,
    retries::{Attempts, RetryBudget},
    service_config::{Policy, policy_of},
};
use crate::token::Token;

const PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");
/// Where a status has how often its call was sent. It is the client's own, and travels nowhere.
const ATTEMPTS: &str = "twinfront-client-attempts";

/// The connection of a [`Client`](crate::Client), which the generated clients are made on. Cloning it is cheap, and
/// clones share the connection.
///
/// It gives each call the timeout of the service config unless it has one of its own, presents the token, and sends calls
/// again: see [`Client`](crate::Client). Dropping the future of a call, or the stream of its answer, cancels it.
#[derive(Clone)]
pub struct Connection<S = Servers> {
    inner: S,
    token: Option<Token>,
    sends_again: bool,
    budget: Arc<RetryBudget>,
    was_seen: Arc<AtomicBool>,
}

impl<S> Connection<S> {
    pub(crate) fn new(inner: S, token: Option<Token>, sends_again: bool) -> Self {
        let budget = Arc::new(RetryBudget::new(service_config::retry_throttling()));
        Self { inner, token, sends_again, budget, was_seen: Arc::default() }
    }

    pub(crate) fn sends_again(&self) -> bool {
        self.sends_again
    }

    /// Tells whether there ever was a connection to the server.
    pub(crate) fn was_seen(&self) -> bool {
        self.was_seen.load(Ordering::Relaxed)
    }
}

impl<S> Connection<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    async fn call(self, request: Request<Body>, policy: Policy) -> Result<Response<Body>, Status> {
        let deadline = Deadline::of(request.headers(), policy.timeout);
        let sent = AtomicU32::new(0);
        let answer = deadline.enforce(async {
            if self.sends_again && policy.sends_one_message() {
                self.send_until_settled(request, &policy, deadline, &sent).await
            } else {
                let (parts, body) = request.into_parts();
                let (body, wanted) = WantedBody::new(body);
                let answer = self.send(&parts, Body::new(body), deadline, 0).await?;
                Ok(answer.map(|body| body.keeping(wanted)))
            }
        });
        let mut answer = answer.await.map(|answer| answer.map(Body::new));
        if let Err(status) = &mut answer {
            note_attempts(status, sent.into_inner().max(1));
        }
        answer
    }

    /// Sends a call with one message until it ends in a way that is not to be tried again.
    ///
    /// An answer is looked into as far as its first message, so that a stream is tried again as long as it has none.
    async fn send_until_settled(
        &self,
        request: Request<Body>,
        policy: &Policy,
        deadline: Deadline,
        sent: &AtomicU32,
    ) -> Result<Response<AnswerBody>, Status> {
        let (parts, body) = request.into_parts();
        let message = body.collect().await?.to_bytes();
        let (message, bears_a_loss) = writes::identified(parts.uri.path(), message);
        let retries = policy.retry_policy.as_ref();
        let mut attempts = if policy.is_of_stream() {
            Attempts::at_stream(retries, &self.budget)
        } else {
            Attempts::new(retries, &self.budget, bears_a_loss)
        };
        loop {
            let body = Body::new(Full::new(message.clone()));
            sent.fetch_add(1, Ordering::Relaxed);
            let mut answer = self.send(&parts, body, deadline, attempts.made()).await;
            let Some(failure) = failure_of(&mut answer).await else {
                self.budget.note_success();
                return answer;
            };
            match attempts.pause_after(&failure, self.was_seen()) {
                Some(pause) if deadline.leaves(pause) => tokio::time::sleep(pause).await,
                _ => return attempts.into_loss().map_or_else(|| told(answer, failure), Err),
            }
        }
    }

    async fn send(
        &self,
        parts: &Parts,
        body: Body,
        deadline: Deadline,
        previous_attempts: u32,
    ) -> Result<Response<AnswerBody>, Status> {
        let mut request = Request::from_parts(parts.clone(), body);
        let headers = request.headers_mut();
        deadline.write(headers);
        if previous_attempts > 0 {
            headers.insert(PREVIOUS_ATTEMPTS, previous_attempts.into());
        }
        if let Some(token) = &self.token {
            headers.insert(AUTHORIZATION, token.header().await?);
        }
        // A clone of its own, as one that is ready is good for one call.
        let mut service = self.inner.clone();
        let answer = async {
            std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(request).await
        };
        match answer.await {
            Ok(mut answer) => {
                self.was_seen.store(true, Ordering::Relaxed);
                broken::correct_status(answer.headers_mut());
                Ok(answer.map(|body| AnswerBody::new(body, deadline)))
            }
            Err(error) => {
                let status = broken::status_of(Status::from_error(error.into()));
                self.was_seen.fetch_or(!was_never_sent(&status), Ordering::Relaxed);
                Err(status)
            }
        }
    }
}

/// Notes in the status of a call that failed how often it was sent.
pub(crate) fn note_attempts(status: &mut Status, attempts: u32) {
    status.metadata_mut().insert(ATTEMPTS, attempts.into());
}

/// How often a call was sent that ended with a status, as far as it is noted.
pub(crate) fn attempts_of(status: &Status) -> u32 {
    status.metadata().get(ATTEMPTS).and_then(|noted| noted.to_str().ok()?.parse().ok()).unwrap_or(1)
}

/// Gives the failure that an answer of gRPC's is; what a proxy says is left to tonic.
fn told(answer: Result<Response<AnswerBody>, Status>, failure: Status) -> Result<Response<AnswerBody>, Status> {
    match answer {
        Ok(answer) if answer.status() != StatusCode::OK => Ok(answer),
        _ => Err(failure),
    }
}

/// How a call failed as far as that is known before the first message of its answer; `None` if it has one.
async fn failure_of(answer: &mut Result<Response<AnswerBody>, Status>) -> Option<Status> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(status) => return Some(status.clone()),
    };
    if let Some(status) = Status::from_header_map(answer.headers()) {
        return failed(status);
    }
    match answer.status() {
        StatusCode::OK => {}
        // A proxy on the way, not the server.
        status @ (StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT) => return Some(Status::unavailable(format!("a proxy answered with {status}"))),
        status => return Some(Status::unknown(format!("the answer is {status}"))),
    }
    match answer.body_mut().peek().await {
        Some(Ok(frame)) => match frame.trailers_ref() {
            Some(trailers) => match Status::from_header_map(trailers) {
                Some(status) => failed(status),
                None => Some(Status::unknown("the answer ended without a status")),
            },
            None => None,
        },
        Some(Err(status)) => Some(status.clone()),
        None => Some(Status::unknown("the answer ended without a status")),
    }
}

fn failed(status: Status) -> Option<Status> {
    (status.code() != Code::Ok).then_some(status)
}

impl<S> Service<Request<Body>> for Connection<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    /// Always ready: a call waits for the channel within its own deadline.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let policy = policy_of(request.uri().path());
        Box::pin(self.clone().call(request, policy))
    }
}

impl<S> fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("budget", &self.budget).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
