package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** What all calls of a client know of the server that they go to; they have it among their options. */
final class KnownServer {
    private static final CallOptions.Key<KnownServer> KEY = CallOptions.Key.create("twinfront-known-server");

    private final Map<String, Duration> timeouts;
    private volatile boolean sendsAgain;
    private volatile boolean wasSeen;
    private volatile boolean isClosed;

    KnownServer(Map<String, Duration> timeouts, boolean sendsAgain) {
        this.timeouts = timeouts;
        this.sendsAgain = sendsAgain;
    }

    /** Gives the options of a client's calls. */
    CallOptions options() {
        return CallOptions.DEFAULT.withOption(KEY, this);
    }

    static KnownServer of(CallOptions options) {
        return options.getOption(KEY);
    }

    /** Gives a call that has no deadline of its own, or of the current {@link Context}, the default one of its method. */
    CallOptions withDeadline(MethodDescriptor<?, ?> method, CallOptions options) {
        Duration timeout = timeouts.get(method.getFullMethodName());
        boolean hasOwn = options.getDeadline() != null || Context.current().getDeadline() != null;
        return timeout == null || hasOwn ? options : options.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Notes that there is a server at the target. */
    void seen() {
        wasSeen = true;
    }

    /** Tells whether there was a server at the target: if so, it is worth waiting for. */
    boolean wasSeen() {
        return wasSeen;
    }

    /** Notes that the client is closed: what fails now would do so for ever. */
    void closed() {
        sendsAgain = false;
        isClosed = true;
    }

    /** Tells whether the client is closed. */
    boolean isClosed() {
        return isClosed;
    }

    /** Tells whether a call that failed may be sent again. */
    boolean sendsAgain() {
        return sendsAgain;
    }
}
