package io.twinfront.client;

import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.CompositeCallCredentials;
import io.grpc.MethodDescriptor;

/**
 * Presents a token with every call, besides what the call presents itself. Not so the watch of health, which takes none and
 * would make a server look ill for want of a token if the channel presented it.
 */
final class TokenInterceptor implements ClientInterceptor {
    private final CallCredentials token;

    TokenInterceptor(CallCredentials token) {
        this.token = token;
    }

    @Override
    public <I, O> ClientCall<I, O> interceptCall(MethodDescriptor<I, O> method, CallOptions options, Channel next) {
        CallCredentials own = options.getCredentials();
        return next.newCall(
                method, options.withCallCredentials(own == null ? token : new CompositeCallCredentials(token, own)));
    }
}
