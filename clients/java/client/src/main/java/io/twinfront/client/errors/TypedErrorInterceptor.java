package io.twinfront.client.errors;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;

/**
 * Gives each failed call's status a {@link TwinfrontException} as its cause, so that it is the cause of whatever exception
 * a stub makes of the status. {@link io.twinfront.client.TwinfrontClient#channel} has it; channels of other making can be
 * given it, too.
 */
public final class TypedErrorInterceptor implements ClientInterceptor {
    /** Makes an interceptor, which has no state. */
    public TypedErrorInterceptor() {}

    @Override
    public <ReqT, RespT> ClientCall<ReqT, RespT> interceptCall(
            MethodDescriptor<ReqT, RespT> method, CallOptions options, Channel next) {
        return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
            @Override
            public void start(Listener<RespT> listener, Metadata headers) {
                super.start(new TypedErrorListener<>(listener), headers);
            }
        };
    }

    private static final class TypedErrorListener<RespT> extends SimpleForwardingClientCallListener<RespT> {
        TypedErrorListener(ClientCall.Listener<RespT> listener) {
            super(listener);
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            super.onClose(
                    status.isOk() ? status : status.withCause(TwinfrontException.from(status, trailers)), trailers);
        }
    }
}
