package io.twinfront.client;

import io.twinfront.v1.QueryRow;
import io.twinfront.v1.StreamQueryTwinsResponse;
import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;

/** The rows of the messages of a stream. */
final class RowStream implements CloseableIterator<QueryRow> {
    private final CloseableIterator<StreamQueryTwinsResponse> messages;
    private Iterator<QueryRow> rows = Collections.emptyIterator();

    RowStream(CloseableIterator<StreamQueryTwinsResponse> messages) {
        this.messages = messages;
    }

    @Override
    public boolean hasNext() {
        while (!rows.hasNext() && messages.hasNext()) {
            rows = messages.next().getRowsList().iterator();
        }
        return rows.hasNext();
    }

    @Override
    public QueryRow next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return rows.next();
    }

    @Override
    public void close() {
        rows = Collections.emptyIterator();
        messages.close();
    }
}
