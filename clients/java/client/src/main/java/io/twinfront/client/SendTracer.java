package io.twinfront.client;

import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;

/** Notes whether the last attempt at a call had a connection: one that found none has done nothing for sure. */
final class SendTracer extends ClientStreamTracer.Factory {
    private final KnownServer server;
    private volatile boolean wasSent;

    SendTracer(KnownServer server) {
        this.server = server;
    }

    /** Tells whether the last of the attempts, grpc's own among them, has reached a connection. */
    boolean wasSent() {
        return wasSent;
    }

    @Override
    public ClientStreamTracer newClientStreamTracer(ClientStreamTracer.StreamInfo info, Metadata headers) {
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
