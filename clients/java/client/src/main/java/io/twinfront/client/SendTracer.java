package io.twinfront.client;

import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;

/** Notes whether a call has left this machine: one that found no connection has done nothing for sure. */
final class SendTracer extends ClientStreamTracer.Factory {
    private volatile boolean wasSent;

    /** Tells whether any of grpc's own attempts has reached a connection. */
    boolean wasSent() {
        return wasSent;
    }

    @Override
    public ClientStreamTracer newClientStreamTracer(ClientStreamTracer.StreamInfo info, Metadata headers) {
        return new ClientStreamTracer() {
            @Override
            public void outboundHeaders() {
                wasSent = true;
            }
        };
    }
}
