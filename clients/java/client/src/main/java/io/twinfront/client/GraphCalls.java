package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.twinfront.v1.ExportGraphRequest;
import io.twinfront.v1.ExportGraphResponse;
import io.twinfront.v1.GraphItem;
import io.twinfront.v1.GraphServiceGrpc;
import io.twinfront.v1.ImportGraphRequest;
import io.twinfront.v1.ImportGraphResponse;
import io.twinfront.v1.ImportOptions;

/** Whole graphs in and out: the calls of {@code GraphService}, which have the options of a stub and throw what {@link TwinfrontClient} tells. */
public final class GraphCalls extends Calls<GraphCalls> {
    GraphCalls(Channel channel, CallOptions options) {
        super(channel, options);
    }

    @Override
    protected GraphCalls build(Channel channel, CallOptions options) {
        return new GraphCalls(channel, options);
    }

    /**
     * Writes what the caller streams and answers how each item ended. This is not atomic. Requests are taken from
     * the caller on a thread of the channel, as fast as the server takes them in; where they throw, the call is
     * cancelled with that as the cause. Not reading the answers holds up the requests. A stream that breaks ends in an
     * exception; {@link #streamImport} goes on by itself.
     *
     * @param requests the items or chunks; options in the first one
     * @return the messages as they come
     */
    public CloseableIterator<ImportGraphResponse> importGraph(Iterable<ImportGraphRequest> requests) {
        return ResponseStream.bidi(call(GraphServiceGrpc.getImportGraphMethod()), requests.iterator());
    }

    /**
     * Imports as {@link #importGraph} does, and gives the server's reports: the results of items that ended, and the progress.
     * Where the stream breaks, it goes on after the items that were acknowledged, and gives up when it has broken five times
     * without another one acknowledged in between. As long as servers only stop, or are not there, it goes on for a minute.
     *
     * <p>To go on, the items are iterated over again, from the first one, and have to be the same again. Those that were written
     * and not yet acknowledged are written once more, which ends in the same state, and are reported and counted once more.
     *
     * <p>An item that failed is no exception of the import: {@link
     * io.twinfront.client.errors.TwinfrontException#fromStatus} makes one of the status in its result.
     *
     * @param options how to import
     * @param items models, twins and relationships, in an order in which each finds what it needs before it
     * @return the reports, whose progress is that of all streams
     */
    public CloseableIterator<ImportGraphResponse> streamImport(ImportOptions options, Iterable<GraphItem> items) {
        return resuming(GraphServiceGrpc.getImportGraphMethod(), new ImportResumption(options, items));
    }

    /**
     * Reads models, twins and relationships, all or by query, in an order in which they can be imported. A stream that breaks
     * ends in an exception; {@link #streamExport} goes on by itself.
     *
     * @param request what to export, and in which form
     * @return the messages as they come
     */
    public CloseableIterator<ExportGraphResponse> exportGraph(ExportGraphRequest request) {
        return ResponseStream.of(call(GraphServiceGrpc.getExportGraphMethod()), request);
    }

    /**
     * Exports as {@link #exportGraph} does. Where the stream breaks, it goes on with the last resume token, and gives up when it
     * has broken five times without a message in between. As long as servers only stop, or are not there, it goes on for a
     * minute.
     *
     * @param request what to export, and in which form
     * @return the messages, which make one graph
     */
    public CloseableIterator<ExportGraphResponse> streamExport(ExportGraphRequest request) {
        return resuming(
                GraphServiceGrpc.getExportGraphMethod(),
                new TokenResumption<>(
                        request.getResumeToken(),
                        token -> request.toBuilder().setResumeToken(token).build(),
                        ExportGraphResponse::getResumeToken,
                        message -> message.getItemsCount() > 0
                                || !message.getChunk().isEmpty()));
    }
}
