package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Gives calls without a deadline of their own, or of the current {@link Context}, the default one of their method. */
final class DefaultTimeoutInterceptor implements ClientInterceptor {
    private final Map<String, Duration> timeouts;

    DefaultTimeoutInterceptor(Map<String, Duration> timeouts) {
        this.timeouts = timeouts;
    }

    @Override
    public <I, O> ClientCall<I, O> interceptCall(MethodDescriptor<I, O> method, CallOptions options, Channel next) {
        Duration timeout = timeouts.get(method.getFullMethodName());
        boolean hasOwn = options.getDeadline() != null || Context.current().getDeadline() != null;
        return next.newCall(
                method,
                timeout == null || hasOwn
                        ? options
                        : options.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS));
    }
}
