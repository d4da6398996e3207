package io.twinfront.client;

import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts the attempts at a call, and notes whether the last one had a connection: one that found none has done nothing for
 * sure.
 */
final class SendTracer extends ClientStreamTracer.Factory {
    private final KnownServer server;
    private final AtomicInteger attempts = new AtomicInteger();
    private volatile boolean wasSent;

    SendTracer(KnownServer server) {
        this.server = server;
    }

    /** Tells how many attempts there were, grpc's own among them. */
    int attempts() {
        return Math.max(1, attempts.get());
    }

    /** Tells whether the last of the attempts, grpc's own among them, has reached a connection. */
    boolean wasSent() {
        return wasSent;
    }

    @Override
    public ClientStreamTracer newClientStreamTracer(ClientStreamTracer.StreamInfo info, Metadata headers) {
        if (!info.isTransparentRetry()) {
            attempts.incrementAndGet();
        }
        wasSent = false;
        return new ClientStreamTracer() {
            @Override
            public void outboundHeaders() {
                wasSent = true;
                server.seen();
            }
        };
    }
}
