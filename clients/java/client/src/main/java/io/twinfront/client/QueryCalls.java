package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.twinfront.v1.QueryRow;
import io.twinfront.v1.QueryServiceGrpc;
import io.twinfront.v1.QueryTwinsRequest;
import io.twinfront.v1.QueryTwinsResponse;
import io.twinfront.v1.StreamQueryTwinsRequest;
import io.twinfront.v1.StreamQueryTwinsResponse;

/** Queries over the graph: the calls of {@code QueryService}, which have the options of a stub and throw what {@link TwinfrontClient} tells. */
public final class QueryCalls extends Calls<QueryCalls> {
    QueryCalls(Channel channel, CallOptions options) {
        super(channel, options);
    }

    @Override
    protected QueryCalls build(Channel channel, CallOptions options) {
        return new QueryCalls(channel, options);
    }

    /**
     * Runs a query and answers one page of its rows; {@link Listing} goes through all pages.
     *
     * @param request the query
     * @return one page of rows, and the charge for reading it
     */
    public QueryTwinsResponse queryTwins(QueryTwinsRequest request) {
        return unary(QueryServiceGrpc.getQueryTwinsMethod(), request);
    }

    /**
     * Runs a query and answers all of its rows, some in a message. A stream that breaks ends in an exception; {@link
     * #streamQuery} goes on by itself.
     *
     * @param request the query
     * @return the messages as they come
     */
    public CloseableIterator<StreamQueryTwinsResponse> streamQueryTwins(StreamQueryTwinsRequest request) {
        return ResponseStream.of(call(QueryServiceGrpc.getStreamQueryTwinsMethod()), request);
    }

    /**
     * Runs a query and gives its rows as the server streams them. Where the stream breaks, it goes on with the last resume
     * token, and gives up when it has broken five times without a row in between. As long as servers only stop, or are not
     * there, it goes on for a minute.
     *
     * @param request the query
     * @return the rows
     */
    public CloseableIterator<QueryRow> streamQuery(StreamQueryTwinsRequest request) {
        return new RowStream(resuming(
                QueryServiceGrpc.getStreamQueryTwinsMethod(),
                new TokenResumption<>(
                        request.getResumeToken(),
                        token -> request.toBuilder().setResumeToken(token).build(),
                        StreamQueryTwinsResponse::getResumeToken,
                        message -> message.getRowsCount() > 0)));
    }
}
