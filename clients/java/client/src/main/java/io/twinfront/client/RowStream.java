package io.twinfront.client;

import io.twinfront.client.errors.UnavailableException;
import io.twinfront.v1.QueryRow;
import io.twinfront.v1.StreamQueryTwinsRequest;
import io.twinfront.v1.StreamQueryTwinsResponse;
import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;

/** The rows of a query, through as many streams as it takes. */
final class RowStream implements CloseableIterator<QueryRow> {
    private static final int MAX_BREAKS = 5; // without a row in between

    private final QueryCalls queries;
    private StreamQueryTwinsRequest request;
    private CloseableIterator<StreamQueryTwinsResponse> responses;
    private Iterator<QueryRow> rows = Collections.emptyIterator();
    private boolean isEnded;
    private int breaks;

    RowStream(QueryCalls queries, StreamQueryTwinsRequest request) {
        this.queries = queries;
        this.request = request;
    }

    @Override
    public boolean hasNext() {
        while (!rows.hasNext() && !isEnded) {
            try {
                read();
            } catch (UnavailableException e) {
                responses = null;
                if (++breaks >= MAX_BREAKS) {
                    throw e;
                }
                Backoff.pause(breaks);
            }
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
        isEnded = true;
        rows = Collections.emptyIterator();
        if (responses != null) {
            responses.close();
        }
    }

    private void read() {
        if (responses == null) {
            responses = queries.streamQueryTwins(request);
        }
        if (!responses.hasNext()) {
            isEnded = true;
            return;
        }
        StreamQueryTwinsResponse message = responses.next();
        rows = message.getRowsList().iterator();
        if (message.getRowsCount() > 0 && !message.getResumeToken().equals(request.getResumeToken())) {
            breaks = 0; // what leads nowhere, or to where it began, must not be gone on with for ever
        }
        if (message.getResumeToken().isEmpty()) {
            // The last message. If the stream broke only now, going on without a token would be to begin anew.
            isEnded = true;
            responses.close();
        } else {
            request =
                    request.toBuilder().setResumeToken(message.getResumeToken()).build();
        }
    }
}
