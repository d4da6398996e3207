package io.twinfront.client.errors;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;

/**
 * Gives each failed call's status a {@link TwinfrontException} as its cause, so that it is the cause of whatever exception
 * a stub makes of the status. {@link io.twinfront.client.TwinfrontClient#channel} has it; channels of other making can be
 * given it, too.
 *
 * <p>{@code CANCELLED} becomes {@code UNAVAILABLE} where nobody here has cancelled the call: a stopping server says so to the
 * calls that it has not begun, and a proxy to those that it drops.
 */
public final class TypedErrorInterceptor implements ClientInterceptor {
    /** Makes an interceptor, which has no state. */
    public TypedErrorInterceptor() {}

    @Override
    public <ReqT, RespT> ClientCall<ReqT, RespT> interceptCall(
            MethodDescriptor<ReqT, RespT> method, CallOptions options, Channel next) {
        return new TypedErrorCall<>(next.newCall(method, options));
    }

    private static final class TypedErrorCall<ReqT, RespT> extends SimpleForwardingClientCall<ReqT, RespT> {
        private final Context caller = Context.current();
        private volatile boolean isCancelled;

        TypedErrorCall(ClientCall<ReqT, RespT> call) {
            super(call);
        }

        @Override
        public void start(Listener<RespT> listener, Metadata headers) {
            super.start(new TypedErrorListener(listener), headers);
        }

        @Override
        public void cancel(String message, Throwable cause) {
            isCancelled = true;
            super.cancel(message, cause);
        }

        private final class TypedErrorListener extends SimpleForwardingClientCallListener<RespT> {
            TypedErrorListener(Listener<RespT> listener) {
                super(listener);
            }

            @Override
            public void onClose(Status status, Metadata trailers) {
                Status known = answered(status);
                super.onClose(
                        known.isOk() ? known : known.withCause(TwinfrontException.from(known, trailers)), trailers);
            }
        }

        private Status answered(Status status) {
            if (status.getCode() != Status.Code.CANCELLED || isCancelled || caller.isCancelled()) {
                return status;
            }
            String description = status.getDescription() == null ? "" : status.getDescription();
            return Status.UNAVAILABLE.withDescription("The server ended the call without an answer: " + description);
        }
    }
}
