use std::{error::Error as StdError, fmt, pin::Pin, sync::Arc};

use http::HeaderValue;
use tonic::Status;

type Asked = Pin<Box<dyn Future<Output = Result<String, Box<dyn StdError + Send + Sync>>> + Send>>;

/// Where the bearer token of each call comes from.
#[derive(Clone)]
pub(crate) struct Token(Arc<dyn Fn() -> Asked + Send + Sync>);

impl Token {
    pub(crate) fn new<F, T, E>(source: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        Self(Arc::new(move || {
            let asked = source();
            Box::pin(async { asked.await.map_err(Into::into) })
        }))
    }

    /// The header that presents the token.
    pub(crate) async fn header(&self) -> Result<HeaderValue, Status> {
        let token = (self.0)().await.map_err(|error| {
            let mut status = Status::unauthenticated(format!("there is no token: {error}"));
            status.set_source(error.into());
            status
        })?;
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Status::unauthenticated("the token is empty, or has characters that no bearer token has"));
        }
        let mut header: HeaderValue = format!("Bearer {token}").parse().expect("a space and visible ASCII");
        header.set_sensitive(true);
        Ok(header)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}
