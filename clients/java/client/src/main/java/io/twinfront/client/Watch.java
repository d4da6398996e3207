package io.twinfront.client;

import io.grpc.Context;
import io.twinfront.client.errors.CallCancelledException;
import io.twinfront.v1.WatchResponse;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Supplier;

/**
 * Tells what a watch is told, item by item; it has no end of its own. {@link #hasNext} and {@link #next} wait for the next item. It
 * is for one thread at a time, but for {@link #close}, which ends the loop that reads it, wherever that is.
 */
public final class Watch implements CloseableIterator<WatchItem> {
    private final CloseableIterator<WatchResponse> messages;
    private final WatchCourse course;
    private final Context.CancellableContext context = Context.current().withCancellation();
    private Iterator<WatchItem> items = Collections.emptyIterator();
    private volatile String resumeToken;

    Watch(Supplier<CloseableIterator<WatchResponse>> messages, WatchCourse course) {
        this.messages = messages.get();
        this.course = course;
        this.resumeToken = course.resumeToken();
    }

    /** {@return the token of the last item that was given; that of the request before the first} */
    public String resumeToken() {
        return resumeToken;
    }

    @Override
    public boolean hasNext() {
        while (!context.isCancelled() && !items.hasNext()) {
            List<WatchItem> next = nextMessage();
            if (next == null) {
                return false;
            }
            items = next.iterator();
        }
        return !context.isCancelled() && items.hasNext();
    }

    @Override
    public WatchItem next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        WatchItem item = items.next();
        resumeToken = item.resumeToken();
        return item;
    }

    /** Gives the items of the next message; null if there is none any more, as the watch was closed. */
    List<WatchItem> nextMessage() {
        Context before = context.attach();
        try {
            return messages.hasNext() ? course.items(messages.next()) : null;
        } catch (CallCancelledException e) {
            if (context.isCancelled() && context.cancellationCause() == null) {
                return null;
            }
            throw e;
        } finally {
            context.detach(before);
        }
    }

    /** Gives the token of the last message. */
    String reached() {
        return course.resumeToken();
    }

    /** Ends the watch; there are no items then. */
    @Override
    public void close() {
        context.cancel(null);
    }
}
