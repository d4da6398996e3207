use std::{
    fmt, fs, io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use http::uri::Authority;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use crate::{Client, Connection, Servers, token::Token};

/// Half a minute between pings finds a dead connection before the default timeout of a read; the server takes one each
/// 20 s.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(15);
/// As long as gRPC's other clients wait for a connection at the most.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Details of errors ride in the trailers; a gateway's may be larger than the 16 KiB that are hyper's default.
const MAX_RECEIVE_METADATA_BYTES: u32 = 64 << 10;

/// How a client uses TLS. As it is made, it checks the server's certificate against the authorities of the crate's
/// features: the system's, Mozilla's, or both.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Tls {
    ca: Option<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
    server_name: Option<String>,
}

impl Tls {
    /// TLS with the authorities of the crate's features.
    pub fn new() -> Self {
        Self::default()
    }

    /// A PEM file with the authorities that may vouch for the server, instead of all others.
    pub fn ca(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca = Some(file.into());
        self
    }

    /// PEM files with the client's certificate chain and its private key, for servers that ask for one (mTLS).
    pub fn identity(mut self, cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.identity = Some((cert.into(), key.into()));
        self
    }

    /// The name that the server's certificate has to bear, if it is not the one in the target.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    fn config(&self) -> Result<ClientTlsConfig, ConfigError> {
        let mut config = ClientTlsConfig::new();
        config = match &self.ca {
            Some(ca) => {
                let pem = read(ca)?;
                // rustls takes a file without certificates, and then trusts nobody.
                if !pem.windows(PEM_CERTIFICATE.len()).any(|window| window == PEM_CERTIFICATE) {
                    return Err(ConfigError::NoCertificate(ca.clone()));
                }
                config.ca_certificate(Certificate::from_pem(pem))
            }
            None if cfg!(any(feature = "tls-native-roots", feature = "tls-webpki-roots")) => {
                config.with_enabled_roots()
            }
            None => return Err(ConfigError::NoAuthorities),
        };
        if let Some((cert, key)) = &self.identity {
            config = config.identity(Identity::from_pem(read(cert)?, read(key)?));
        }
        if let Some(name) = &self.server_name {
            config = config.domain_name(name);
        }
        Ok(config)
    }
}

const PEM_CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    fs::read(path).map_err(|error| ConfigError::File(path.to_owned(), error))
}

/// How a client is to connect: see [`Client::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientBuilder {
    target: String,
    tls: Option<Tls>,
    token: Option<Token>,
    insecure: bool,
    sends_again: bool,
}

impl ClientBuilder {
    pub(crate) fn new(target: String) -> Self {
        Self { target, tls: None, token: None, insecure: false, sends_again: true }
    }

    /// Connects over TLS.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Presents a bearer token with every call.
    pub fn token(self, token: impl Into<String>) -> Self {
        let token: Arc<str> = token.into().into();
        self.token_source(move || {
            let token = token.to_string();
            async { Ok::<_, std::convert::Infallible>(token) }
        })
    }

    /// Presents a bearer token with every call, and asks for it each time. A call for which there is none fails with
    /// [`Unauthenticated`](crate::Kind::Unauthenticated).
    pub fn token_source<F, T, E>(mut self, source: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.token = Some(Token::new(source));
        self
    }

    /// Allows to talk in the clear: to another machine, or with a token to this one.
    pub fn insecure(mut self) -> Self {
        self.insecure = true;
        self
    }

    /// Sends each call once, and goes on with no stream that broke.
    pub fn without_retry(mut self) -> Self {
        self.sends_again = false;
        self
    }

    /// Makes the client. It connects with the first call.
    ///
    /// # Errors
    ///
    /// If calls, or a token, would travel in the clear without having been allowed to, a file cannot be read, or the
    /// target is not as it has to be.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn build(self) -> Result<Client, ConfigError> {
        let addresses = addresses_of(&self.target).ok_or_else(|| ConfigError::Target(self.target.clone()))?;
        self.check_that_nothing_leaks(&addresses)?;
        let tls = self.tls.as_ref().map(Tls::config).transpose()?;
        let channel = |address: &&str| Ok(endpoint(address, tls.as_ref())?.connect_lazy());
        let servers = Servers::new(addresses.iter().map(channel).collect::<Result<Vec<_>, ConfigError>>()?);
        Ok(Client::on(Connection::new(servers, self.token, self.sends_again)))
    }

    fn check_that_nothing_leaks(&self, addresses: &[&str]) -> Result<(), ConfigError> {
        let is_here = addresses.iter().all(|address| host_of(address).is_some_and(|host| is_loopback(&host)));
        match (&self.tls, is_here) {
            (Some(_), _) if self.insecure => Err(ConfigError::TlsAndInsecure),
            (Some(_), _) => Ok(()),
            (None, false) if !self.insecure => Err(ConfigError::InTheClear(self.target.clone())),
            (None, false) if self.token.is_some() => Err(ConfigError::TokenInTheClear(self.target.clone())),
            (None, true) if self.token.is_some() && !self.insecure => Err(ConfigError::TokenNotAllowed),
            (None, _) => Ok(()),
        }
    }
}

fn endpoint(address: &str, tls: Option<&ClientTlsConfig>) -> Result<Endpoint, ConfigError> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
        .and_then(|endpoint| endpoint.user_agent(concat!("twinfront-rust/", env!("CARGO_PKG_VERSION"))))
        .map_err(ConfigError::Transport)?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_max_header_list_size(MAX_RECEIVE_METADATA_BYTES)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true);
    match tls {
        Some(tls) => endpoint.tls_config(tls.clone()).map_err(ConfigError::Transport),
        None => Ok(endpoint),
    }
}

/// The addresses in a target: `host:port` is one, and `ipv4:10.0.0.1:50051,10.0.0.2:50051` or `ipv6:…` has several, as
/// other clients of gRPC write them. `None` if one is not as it has to be.
fn addresses_of(target: &str) -> Option<Vec<&str>> {
    let (listed, is_v4) = match target.split_once(':') {
        Some(("ipv4", listed)) => (listed, true),
        Some(("ipv6", listed)) => (listed, false),
        _ => return host_of(target).map(|_| vec![target]),
    };
    let is_one = |address: &&str| address.parse::<SocketAddr>().is_ok_and(|address| address.is_ipv4() == is_v4);
    listed.split(',').map(|address| Some(address).filter(is_one)).collect()
}

/// The host of `host:port`, without the brackets of IPv6.
fn host_of(target: &str) -> Option<String> {
    let authority: Authority = target.parse().ok()?;
    authority.port_u16().filter(|_| !target.contains('@'))?;
    Some(authority.host().trim_matches(['[', ']']).to_owned())
}

/// Tells whether a host is this machine for sure.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Why a client cannot be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// The target is neither `host:port`, nor addresses after `ipv4:` or `ipv6:`.
    Target(String),
    /// The target is on another machine, and there is neither TLS nor [`insecure`](ClientBuilder::insecure).
    InTheClear(String),
    /// A token would travel in the clear to another machine.
    TokenInTheClear(String),
    /// A token would travel in the clear on this machine without [`insecure`](ClientBuilder::insecure).
    TokenNotAllowed,
    /// There are both TLS and [`insecure`](ClientBuilder::insecure).
    TlsAndInsecure,
    /// TLS has no file of authorities, and the crate was built without any of its own.
    NoAuthorities,
    /// The file of authorities has no certificate in it.
    NoCertificate(PathBuf),
    /// A file cannot be read.
    File(PathBuf, io::Error),
    /// TLS cannot be set up, as a file has something else in it than it should.
    Transport(tonic::transport::Error),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(target) => {
                write!(f, "{target} is neither host:port nor ipv4:address:port,address:port, or the same with ipv6")
            }
            Self::InTheClear(target) => {
                write!(f, "{target} is not on this machine: use TLS, or insecure to talk in the clear")
            }
            Self::TokenInTheClear(target) => write!(f, "a token does not travel to {target} in the clear: use TLS"),
            Self::TokenNotAllowed => {
                f.write_str("a token travels in the clear only on this machine and if insecure says so: else use TLS")
            }
            Self::TlsAndInsecure => f.write_str("TLS and insecure exclude each other"),
            Self::NoAuthorities => f.write_str(
                "no authorities to check the server against: name a file, or build with one of the features \
                 tls-native-roots and tls-webpki-roots",
            ),
            Self::NoCertificate(path) => write!(f, "{} has no certificate in it", path.display()),
            Self::File(path, _) => write!(f, "cannot read {}", path.display()),
            Self::Transport(_) => f.write_str("cannot set up the connection"),
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(_, error) => Some(error),
            Self::Transport(error) => Some(error),
            _ => None,
        }
    }
}
