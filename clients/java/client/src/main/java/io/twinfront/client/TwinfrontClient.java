package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.twinfront.client.errors.TypedErrorInterceptor;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A connection to a server, with the calls of all services on it. It connects with the first call, is safe for use by many
 * threads, and one is enough for a program.
 *
 * <pre>{@code
 * try (TwinfrontClient client = TwinfrontClient.create("localhost:50051")) {
 *     client.digitalTwins().getDigitalTwin(GetDigitalTwinRequest.newBuilder().setDigitalTwinId("room-001").build());
 * }
 * }</pre>
 *
 * <p>Every call fails with a {@link io.twinfront.client.errors.TwinfrontException}. The calls block; they have the options of
 * a stub, such as {@code client.models().withDeadlineAfter(Duration.ofSeconds(5))}, and end when the current
 * {@link io.grpc.Context} does or their thread is interrupted. A call without a deadline has the one of the service config:
 * 30 s for reads, 60 s for writes, 300 s for uploads of models and batches of writes, none for streams. Within it calls are
 * sent again that have changed nothing, and writes whose answer was lost, these under the {@code request_id} that each gets
 * unless the caller gives one.
 *
 * <p>For asynchronous calls there are the generated stubs, on the {@link #channel}. Of these the channel sends again what the
 * service config names.
 */
public final class TwinfrontClient implements AutoCloseable {
    /** The version of this library, as it tells the server. */
    public static final String VERSION = "0.1.0";

    // Half a minute between pings finds a dead connection before the default timeout of a read; the server takes one
    // every 20 s.
    private static final long PING_INTERVAL_SECONDS = 30;
    private static final long PING_TIMEOUT_SECONDS = 15;
    // A page of 1000 models with their definitions is larger than the 4 MiB that are gRPC's default.
    private static final int MAX_RECEIVE_BYTES = 16 * 1024 * 1024;
    // Details of errors ride in the trailers; a gateway's may be larger than the 8 KiB that are gRPC's default.
    private static final int MAX_RECEIVE_METADATA_BYTES = 64 << 10;

    private final ManagedChannel connection;
    private final KnownServer server;
    private final Channel channel;
    private final DigitalTwinCalls digitalTwins;
    private final RelationshipCalls relationships;
    private final ModelCalls models;
    private final QueryCalls queries;
    private final TelemetryCalls telemetry;
    private final EventRouteCalls eventRoutes;
    private final JobCalls jobs;
    private final GraphCalls graphs;
    private final ChangeCalls changes;
    private final PermissionCalls permissions;

    private TwinfrontClient(ManagedChannel connection, KnownServer server) {
        this.connection = connection;
        this.server = server;
        this.channel = ClientInterceptors.intercept(connection, new TypedErrorInterceptor());
        CallOptions options = server.options();
        // These make their exceptions in the thread of the caller, whose stack trace says more than that of a callback.
        this.digitalTwins = new DigitalTwinCalls(connection, options);
        this.relationships = new RelationshipCalls(connection, options);
        this.models = new ModelCalls(connection, options);
        this.queries = new QueryCalls(connection, options);
        this.telemetry = new TelemetryCalls(connection, options);
        this.eventRoutes = new EventRouteCalls(connection, options);
        this.jobs = new JobCalls(connection, options);
        this.graphs = new GraphCalls(connection, options);
        this.changes = new ChangeCalls(connection, options);
        this.permissions = new PermissionCalls(connection, options);
    }

    /**
     * Makes a client for a server on this machine, in the clear.
     *
     * @param target such as {@code localhost:50051}
     * @return the client
     * @throws IllegalArgumentException if the target is, or may be, on another machine
     */
    public static TwinfrontClient create(String target) {
        return builder(target).build();
    }

    /**
     * Begins to make a client.
     *
     * @param target such as {@code twins.example.com:443}; {@code dns:///twins.example.com:443} for all servers that a name has,
     *     {@code ipv4:192.0.2.1:443,192.0.2.2:443} for some that have no name in common
     * @return what takes the options
     */
    public static Builder builder(String target) {
        return new Builder(target);
    }

    /** {@return the calls about digital twins and their components} */
    public DigitalTwinCalls digitalTwins() {
        return digitalTwins;
    }

    /** {@return the calls about relationships} */
    public RelationshipCalls relationships() {
        return relationships;
    }

    /** {@return the calls about models} */
    public ModelCalls models() {
        return models;
    }

    /** {@return the calls that query} */
    public QueryCalls queries() {
        return queries;
    }

    /** {@return the calls that publish telemetry} */
    public TelemetryCalls telemetry() {
        return telemetry;
    }

    /** {@return the calls about event routes} */
    public EventRouteCalls eventRoutes() {
        return eventRoutes;
    }

    /** {@return the calls about import and delete jobs} */
    public JobCalls jobs() {
        return jobs;
    }

    /** {@return the calls about whole graphs} */
    public GraphCalls graphs() {
        return graphs;
    }

    /** {@return the calls that tell how the graph changes} */
    public ChangeCalls changes() {
        return changes;
    }

    /** {@return the calls that tell what the caller may do} */
    public PermissionCalls permissions() {
        return permissions;
    }

    /**
     * Gives the channel, for generated stubs of these services and of others such as gRPC's health:
     * {@code DigitalTwinServiceGrpc.newFutureStub(client.channel())}. The exceptions of such stubs have a
     * {@link io.twinfront.client.errors.TwinfrontException} as their cause, which
     * {@link io.twinfront.client.errors.TwinfrontException#from(Throwable)} finds.
     *
     * @return the channel
     */
    public Channel channel() {
        return channel;
    }

    boolean isClosed() {
        return server.isClosed();
    }

    /** Ends the calls in flight and closes the connection. */
    @Override
    public void close() {
        server.closed();
        connection.shutdownNow();
    }

    /** Takes the options of a client. */
    public static final class Builder {
        static {
            AddressLists.register();
        }

        private final String target;
        private Tls tls;
        private Supplier<String> token;
        private boolean isInsecure;
        private boolean sendsAgain = true;
        private Consumer<ManagedChannelBuilder<?>> configuration = channel -> {};

        private Builder(String target) {
            this.target = Objects.requireNonNull(target);
        }

        /**
         * Connects over TLS.
         *
         * @param options whom to trust, and as whom to come
         * @return this
         */
        public Builder tls(Tls options) {
            this.tls = Objects.requireNonNull(options);
            return this;
        }

        /**
         * Presents a bearer token with every call. Where the supplier throws, the call fails with an
         * {@code UnauthenticatedException} that has its exception as the cause.
         *
         * @param supplier asked for the token each time, on a thread of the channel
         * @return this
         */
        public Builder token(Supplier<String> supplier) {
            this.token = Objects.requireNonNull(supplier);
            return this;
        }

        /**
         * Allows to talk in the clear: to another machine, or with a token to this one.
         *
         * @return this
         */
        public Builder insecure() {
            this.isInsecure = true;
            return this;
        }

        /**
         * Sends each call once, and goes on with no stream that broke.
         *
         * @return this
         */
        public Builder withoutRetry() {
            this.sendsAgain = false;
            return this;
        }

        /**
         * Sets options of grpc's own, which win over those of the client.
         *
         * @param options changes the builder of the channel
         * @return this
         */
        public Builder channel(Consumer<ManagedChannelBuilder<?>> options) {
            this.configuration = Objects.requireNonNull(options);
            return this;
        }

        /**
         * Makes the client, which connects with the first call.
         *
         * @return the client
         * @throws IllegalArgumentException if calls, or a token, would travel in the clear without having been allowed to, or a
         *     file has no certificate or key in it
         * @throws java.io.UncheckedIOException if a file cannot be read
         */
        public TwinfrontClient build() {
            DialRules.check(target, tls != null, token != null, isInsecure);
            ServiceConfig config = ServiceConfig.load();
            KnownServer server = new KnownServer(config.timeouts(), sendsAgain);
            ManagedChannelBuilder<?> channel = Grpc.newChannelBuilder(
                            target, tls == null ? InsecureChannelCredentials.create() : tls.credentials())
                    .defaultServiceConfig(config.forChannel())
                    .intercept(new DefaultTimeoutInterceptor(server), new UnansweredCallInterceptor())
                    .disableServiceConfigLookUp()
                    .userAgent("twinfront-java/" + VERSION)
                    .keepAliveTime(PING_INTERVAL_SECONDS, TimeUnit.SECONDS)
                    .keepAliveTimeout(PING_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                    .keepAliveWithoutCalls(true)
                    .maxInboundMessageSize(MAX_RECEIVE_BYTES)
                    .maxInboundMetadataSize(MAX_RECEIVE_METADATA_BYTES);
            if (!sendsAgain) {
                channel.disableRetry();
            }
            if (token != null) {
                channel.intercept(new TokenInterceptor(new BearerToken(token)));
            }
            if (tls != null && tls.expectedName() != null) {
                channel.overrideAuthority(tls.expectedName());
            }
            configuration.accept(channel);
            return new TwinfrontClient(channel.build(), server);
        }
    }
}
