package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.twinfront.v1.ChangeServiceGrpc;
import io.twinfront.v1.GetChangeLogRequest;
import io.twinfront.v1.GetChangeLogResponse;
import io.twinfront.v1.WatchRequest;
import io.twinfront.v1.WatchResponse;

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
     * Tells changes as they happen. A stream that breaks ends in an exception, and one that the server ends is over: it goes on
     * with the {@code resumeToken} of the last message.
     *
     * @param request which changes, and from where on
     * @return the messages as they come
     */
    public CloseableIterator<WatchResponse> watch(WatchRequest request) {
        return ResponseStream.of(call(ChangeServiceGrpc.getWatchMethod()), request);
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
