package io.twinfront.client;

import io.grpc.BindableService;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;

/** A gRPC server on this machine that answers as a test says, for what the real one does only by chance. */
final class LocalServer implements AutoCloseable {
    private final Server server;
    private final int port;
    private final List<Metadata> received = new CopyOnWriteArrayList<>();

    LocalServer(BindableService... services) {
        this(0, services);
    }

    /** Takes a port of its own choice for 0. */
    LocalServer(int wanted, BindableService... services) {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), wanted);
        try {
            server = NettyServerBuilder.forAddress(address, InsecureServerCredentials.create())
                    .addServices(Stream.of(services)
                            .map(BindableService::bindService)
                            .toList())
                    .intercept(new Recorder())
                    .build()
                    .start();
            this.port = server.getPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String target() {
        return "localhost:" + port();
    }

    int port() {
        return port;
    }

    /** The headers of each attempt that arrived. */
    List<Metadata> received() {
        return received;
    }

    String header(int attempt, String name) {
        return received.get(attempt).get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
    }

    @Override
    public void close() {
        try {
            server.shutdownNow().awaitTermination();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private final class Recorder implements ServerInterceptor {
        @Override
        public <ReqT, RespT> ServerCall.Listener<ReqT> interceptCall(
                ServerCall<ReqT, RespT> call, Metadata headers, ServerCallHandler<ReqT, RespT> next) {
            received.add(headers);
            return next.startCall(call, headers);
        }
    }
}
