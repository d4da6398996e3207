use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response};
use tokio::task::JoinSet;
use tonic::{Code, Status, body::Body, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tower_service::Service;

use super::service_config::health_service;

/// How long a server is left alone whose health could not be watched any more.
const WATCH_PAUSE: Duration = Duration::from_secs(1);

/// The servers before one upstream, a channel to each, that a [`Connection`](crate::Connection) sends its calls to.
///
/// If there are several, their health is watched from the first call on, as the service config says, and a call goes to the
/// next of those that serve: not to one that is about to stop, nor to one that is gone. If none serves, calls go to all of
/// them in turns, whose answers say why.
#[derive(Clone)]
pub struct Servers {
    shared: Arc<Shared>,
}

struct Shared {
    servers: Vec<Server>,
    turn: AtomicUsize,
    /// They end with the last of the connection's clones.
    watches: OnceLock<JoinSet<()>>,
}

#[derive(Clone)]
struct Server {
    channel: Channel,
    serves: Arc<AtomicBool>,
}

impl Servers {
    pub(crate) fn new(channels: impl IntoIterator<Item = Channel>) -> Self {
        let server = |channel| Server { channel, serves: Arc::new(AtomicBool::new(true)) };
        let servers = channels.into_iter().map(server).collect();
        Self { shared: Arc::new(Shared { servers, turn: AtomicUsize::new(0), watches: OnceLock::new() }) }
    }

    /// The channel of the server whose turn it is.
    fn next(&self) -> Channel {
        let Shared { servers, turn, watches } = &*self.shared;
        if let [one] = &servers[..] {
            return one.channel.clone();
        }
        watches.get_or_init(|| servers.iter().cloned().map(Server::watch).collect());
        let serving: Vec<_> = servers.iter().filter(|server| server.serves.load(Ordering::Relaxed)).collect();
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        let server = if serving.is_empty() { &servers[turn % servers.len()] } else { serving[turn % serving.len()] };
        server.channel.clone()
    }
}

impl Server {
    /// Follows what the server says of itself, until it says that it does not know such questions: then it serves.
    async fn watch(self) {
        loop {
            let ended = self.follow().await;
            let is_unknown = ended.is_err_and(|status| status.code() == Code::Unimplemented);
            self.serves.store(is_unknown, Ordering::Relaxed);
            if is_unknown {
                return;
            }
            tokio::time::sleep(WATCH_PAUSE).await;
        }
    }

    async fn follow(&self) -> Result<(), Status> {
        let request = HealthCheckRequest { service: health_service().to_owned() };
        let mut answers = HealthClient::new(self.channel.clone()).watch(request).await?.into_inner();
        while let Some(answer) = answers.message().await? {
            self.serves.store(answer.status() == ServingStatus::Serving, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Service<Request<Body>> for Servers {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    /// Always ready: a call waits for the channel of the server that it goes to.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut channel = self.next();
        Box::pin(async move {
            poll_fn(|cx| channel.poll_ready(cx)).await?;
            channel.call(request).await
        })
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").field("servers", &self.shared.servers.len()).finish_non_exhaustive()
    }
}
