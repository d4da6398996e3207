package io.twinfront.client;

import io.grpc.ClientCall;
import io.twinfront.v1.GraphItem;
import io.twinfront.v1.ImportGraphRequest;
import io.twinfront.v1.ImportGraphResponse;
import io.twinfront.v1.ImportOptions;
import io.twinfront.v1.ImportProgress;
import java.util.Iterator;
import java.util.NoSuchElementException;

/** Goes on after the items that were acknowledged: all are sent again, and the server skips those. */
final class ImportResumption implements Resumption<ImportGraphRequest, ImportGraphResponse> {
    private final ImportOptions options;
    private final Iterable<GraphItem> items;
    private long acknowledged;
    private ImportProgress before = ImportProgress.getDefaultInstance(); // of the streams that broke
    private ImportProgress reached = before;

    ImportResumption(ImportOptions options, Iterable<GraphItem> items) {
        this.options = options;
        this.items = items;
        this.acknowledged = options.getResumeFrom();
    }

    @Override
    public CloseableIterator<ImportGraphResponse> begin(ClientCall<ImportGraphRequest, ImportGraphResponse> call) {
        before = reached;
        ImportOptions next = options.toBuilder().setResumeFrom(acknowledged).build();
        return ResponseStream.bidi(call, new Messages(next, items.iterator()));
    }

    @Override
    public boolean leadsOn(ImportGraphResponse report) {
        ImportProgress progress = report.getProgress();
        reached = sum(before, progress);
        boolean leadsOn = progress.getAcknowledgedCount() > acknowledged;
        acknowledged = Math.max(acknowledged, progress.getAcknowledgedCount());
        return leadsOn;
    }

    @Override
    public boolean isWhole() {
        return false; // which only the end of the stream tells
    }

    @Override
    public ImportGraphResponse inAll(ImportGraphResponse report) {
        return report.toBuilder().setProgress(reached).build();
    }

    /** What is acknowledged is counted from the first item anyway. */
    private static ImportProgress sum(ImportProgress before, ImportProgress progress) {
        return progress.toBuilder()
                .setModelsImported(before.getModelsImported() + progress.getModelsImported())
                .setDigitalTwinsImported(before.getDigitalTwinsImported() + progress.getDigitalTwinsImported())
                .setRelationshipsImported(before.getRelationshipsImported() + progress.getRelationshipsImported())
                .setFailed(before.getFailed() + progress.getFailed())
                .build();
    }

    /** Messages of as many items as suit the server; the first one has the options, even if there are no items. */
    private static final class Messages implements Iterator<ImportGraphRequest> {
        private static final int ITEMS = 100;
        private static final int BYTES = 256 << 10;

        private final Iterator<GraphItem> items;
        private ImportOptions options; // null once they are sent

        Messages(ImportOptions options, Iterator<GraphItem> items) {
            this.options = options;
            this.items = items;
        }

        @Override
        public boolean hasNext() {
            return options != null || items.hasNext();
        }

        @Override
        public ImportGraphRequest next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            ImportGraphRequest.Builder message = ImportGraphRequest.newBuilder();
            if (options != null) {
                message.setOptions(options);
                options = null;
            }
            for (int size = 0; message.getItemsCount() < ITEMS && size < BYTES && items.hasNext(); ) {
                GraphItem item = items.next();
                message.addItems(item);
                size += item.getSerializedSize();
            }
            return message.build();
        }
    }
}
