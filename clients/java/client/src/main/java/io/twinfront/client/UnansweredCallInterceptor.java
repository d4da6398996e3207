package io.twinfront.client;

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
import java.nio.channels.ClosedChannelException;

/**
 * Makes {@code UNAVAILABLE} of {@code CANCELLED} where nobody here has cancelled the call: a stopping server says so to the
 * calls that it has not begun, and a proxy to those that it drops. And of {@code UNKNOWN} where that is how grpc tells that the
 * connection has ended, which it does when it was about to write on it.
 */
final class UnansweredCallInterceptor implements ClientInterceptor {
    @Override
    public <ReqT, RespT> ClientCall<ReqT, RespT> interceptCall(
            MethodDescriptor<ReqT, RespT> method, CallOptions options, Channel next) {
        return new UnansweredCall<>(next.newCall(method, options));
    }

    /** Tells whether a status is of a connection that had ended, and of which the channel knows no more than that. */
    static boolean isBroken(Status status) {
        return status.getCause() instanceof ClosedChannelException;
    }

    private static final class UnansweredCall<ReqT, RespT> extends SimpleForwardingClientCall<ReqT, RespT> {
        private final Context caller = Context.current();
        private volatile boolean isCancelled;

        UnansweredCall(ClientCall<ReqT, RespT> call) {
            super(call);
        }

        @Override
        public void start(Listener<RespT> listener, Metadata headers) {
            super.start(
                    new SimpleForwardingClientCallListener<>(listener) {
                        @Override
                        public void onClose(Status status, Metadata trailers) {
                            super.onClose(answered(status), trailers);
                        }
                    },
                    headers);
        }

        @Override
        public void cancel(String message, Throwable cause) {
            isCancelled = true;
            super.cancel(message, cause);
        }

        private Status answered(Status status) {
            if (isBroken(status)) {
                return Status.UNAVAILABLE
                        .withDescription("The connection broke: " + status.getDescription())
                        .withCause(status.getCause());
            }
            if (status.getCode() != Status.Code.CANCELLED || isCancelled || caller.isCancelled()) {
                return status;
            }
            String description = status.getDescription() == null ? "" : status.getDescription();
            return Status.UNAVAILABLE.withDescription("The server ended the call without an answer: " + description);
        }
    }
}
