package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;

/** Gives the calls of generated stubs the default deadline of their method, as a client's own have it. */
final class DefaultTimeoutInterceptor implements ClientInterceptor {
    private final KnownServer server;

    DefaultTimeoutInterceptor(KnownServer server) {
        this.server = server;
    }

    @Override
    public <I, O> ClientCall<I, O> interceptCall(MethodDescriptor<I, O> method, CallOptions options, Channel next) {
        return next.newCall(method, server.withDeadline(method, options));
    }
}
