use crate::{
    ClientBuilder, ConfigError, Connection,
    connection::MAX_RECEIVE_BYTES,
    v1::{
        change_service_client::ChangeServiceClient, digital_twin_service_client::DigitalTwinServiceClient,
        event_route_service_client::EventRouteServiceClient, graph_service_client::GraphServiceClient,
        job_service_client::JobServiceClient, model_service_client::ModelServiceClient,
        permission_service_client::PermissionServiceClient, query_service_client::QueryServiceClient,
        relationship_service_client::RelationshipServiceClient, telemetry_service_client::TelemetryServiceClient,
    },
};

/// A connection to a server, with the generated clients of all services on it.
///
/// One is enough for a program: cloning it is cheap, and all clones share the connection, which ends with the last of
/// them.
///
/// Until its time is over, a call is sent again
///
/// - that changed nothing, as the error's reason says (SERVER_DRAINING, UPSTREAM_UNAVAILABLE), or because the connection
///   could not be made again;
/// - whose answer was lost with its connection, if it is a read or a write with a `request_id`. The client gives every write
///   one that can have one. The server knows by it that the write was applied, and a server that does not (after a restart,
///   or another one behind the same name) is believed only if it succeeds; a patch that adds elements to an array or removes
///   some, and a batch, are not sent again then.
///
/// So a server that stops and starts again is not noticed. A write fails at once if its server has never been there.
///
/// ```no_run
/// # async fn example() -> Result<(), twinfront::Error> {
/// use twinfront::{Client, v1::GetDigitalTwinRequest};
///
/// let client = Client::new("localhost:50051")?;
/// let request = GetDigitalTwinRequest { digital_twin_id: "room-001".into(), ..Default::default() };
/// let twin = client.digital_twins().get_digital_twin(request).await?.into_inner().digital_twin;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    connection: Connection,
}

/// Methods that give the generated client of a service.
macro_rules! services {
    ($($(#[$doc:meta])* $name:ident: $service:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(&self) -> $service<Connection> {
                $service::new(self.connection()).max_decoding_message_size(MAX_RECEIVE_BYTES)
            }
        )*
    };
}

impl Client {
    /// A client for a server on this machine, such as `localhost:50051`. It connects with the first call.
    ///
    /// # Errors
    ///
    /// If the target is not as it has to be, or on another machine: for that see [`Client::builder`].
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn new(target: impl Into<String>) -> Result<Self, ConfigError> {
        Self::builder(target).build()
    }

    /// Options of a client for a server at `host:port`, or for several, over which calls are spread as long as they serve:
    /// `ipv4:10.0.0.1:50051,10.0.0.2:50051`.
    ///
    /// ```no_run
    /// use twinfront::{Client, Tls};
    ///
    /// # fn example() -> Result<(), twinfront::ConfigError> {
    /// let client = Client::builder("twins.example.com:443").tls(Tls::new()).token("secret").build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(target: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(target.into())
    }

    pub(crate) fn on(connection: Connection) -> Self {
        Self { connection }
    }

    services! {
        /// Digital twins and their components.
        digital_twins: DigitalTwinServiceClient;
        /// Relationships between digital twins.
        relationships: RelationshipServiceClient;
        /// DTDL models.
        models: ModelServiceClient;
        /// Queries over the graph.
        queries: QueryServiceClient;
        /// Telemetry of digital twins.
        telemetry: TelemetryServiceClient;
        /// Event routes.
        event_routes: EventRouteServiceClient;
        /// Import and delete jobs.
        jobs: JobServiceClient;
        /// Whole graphs in and out.
        graphs: GraphServiceClient;
        /// How the graph changes.
        changes: ChangeServiceClient;
        /// What the caller may do.
        permissions: PermissionServiceClient;
    }

    /// The connection itself, for generated clients of other services such as gRPC's health.
    pub fn connection(&self) -> Connection {
        self.connection.clone()
    }
}
