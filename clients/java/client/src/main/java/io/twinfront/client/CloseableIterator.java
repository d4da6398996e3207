package io.twinfront.client;

import java.util.Iterator;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * The elements that a server streams, each fetched when it is asked for. {@link #hasNext} and {@link #next} wait for it, and throw
 * a {@link io.twinfront.client.errors.TwinfrontException} if the call fails. It is for one thread at a time.
 *
 * <p>One that is not read to its end has to be closed, else the call goes on.
 *
 * @param <T> the type of the elements
 */
public interface CloseableIterator<T> extends Iterator<T>, AutoCloseable {
    /** Ends the call if it has not ended yet; there are no elements then. */
    @Override
    void close();

    /** {@return the elements that are left, as a stream that closes this when it is closed} */
    default Stream<T> stream() {
        int characteristics = Spliterator.ORDERED | Spliterator.NONNULL;
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(this, characteristics), false)
                .onClose(this::close);
    }
}
