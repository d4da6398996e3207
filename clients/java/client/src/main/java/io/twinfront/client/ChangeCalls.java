package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.twinfront.v1.ChangeServiceGrpc;
import io.twinfront.v1.GetChangeLogRequest;
import io.twinfront.v1.GetChangeLogResponse;
import io.twinfront.v1.WatchRequest;
import io.twinfront.v1.WatchResponse;
import java.util.List;

/** How the graph changes: the calls of {@code ChangeService}, which have the options of a stub and throw what {@link TwinfrontClient} tells. */
public final class ChangeCalls extends Calls<ChangeCalls> {
    ChangeCalls(Channel channel, CallOptions options) {
        super(channel, options);
    }

    @Override
    protected ChangeCalls build(Channel channel, CallOptions options) {
        return new ChangeCalls(channel, options);
    }

    /**
     * Tells changes as they happen. A stream that breaks ends in an exception, and one that the server ends is over; {@link
     * #streamChanges} goes on by itself.
     *
     * @param request which changes, and from where on
     * @return the messages as they come
     */
    public CloseableIterator<WatchResponse> watch(WatchRequest request) {
        return ResponseStream.of(call(ChangeServiceGrpc.getWatchMethod()), request);
    }

    /**
     * Watches the graph change, from now on, from a token, from a time, or behind the state as it is.
     *
     * <p>It goes on by itself where its stream breaks, or where the server ends it, and tells each change once. It gives up as
     * {@link QueryCalls#streamQuery} does, with {@link Watch#resumeToken} to go on from. {@code ChangesExpiredException} says that the
     * log no longer has what was to be told, {@code ResumeTokenInvalidException} that the token is of another server, log or
     * request, and {@code ChangesUnsupportedException} that the server follows no source of changes.
     *
     * @param request which changes, and from where on; with a token the other fields have to be as they were with it, but for
     *     {@code on_expired} and {@code checkpoint_interval}
     * @return what it tells, without an end of its own
     */
    public Watch streamChanges(WatchRequest request) {
        return streamChanges(request, List.of());
    }

    /** Watches behind changes that were told already. */
    Watch streamChanges(WatchRequest request, List<String> told) {
        WatchCourse course = new WatchCourse(request, told);
        return new Watch(() -> resuming(ChangeServiceGrpc.getWatchMethod(), course), course);
    }

    /**
     * Tells how far the log of changes reaches, and which order it keeps.
     *
     * @param request nothing
     * @return the log
     */
    public GetChangeLogResponse getChangeLog(GetChangeLogRequest request) {
        return unary(ChangeServiceGrpc.getGetChangeLogMethod(), request);
    }
}
