package io.twinfront.client;

import io.twinfront.client.errors.TwinfrontException;
import java.util.NoSuchElementException;
import java.util.function.Supplier;

/** The messages of a stream that goes on where it broke, through as many streams as it takes. */
final class ResumingStream<RespT> implements CloseableIterator<RespT> {
    private final Supplier<CloseableIterator<RespT>> begin;
    private final Resumption<?, RespT> resumption;
    private final Attempts attempts;
    private CloseableIterator<RespT> responses; // null if there is none at the moment
    private TwinfrontException failure; // what it was given up for; null if it was not
    private boolean isEnded;

    ResumingStream(Supplier<CloseableIterator<RespT>> begin, Resumption<?, RespT> resumption, Attempts attempts) {
        this.begin = begin;
        this.resumption = resumption;
        this.attempts = attempts;
    }

    @Override
    public boolean hasNext() {
        while (!isEnded) {
            if (failure != null) {
                throw failure;
            }
            try {
                if (responses == null) {
                    responses = begin.get();
                }
                return responses.hasNext();
            } catch (TwinfrontException e) {
                responses = null;
                pauseAfter(e);
            }
        }
        return false;
    }

    private void pauseAfter(TwinfrontException e) {
        try {
            attempts.pauseAfter(e);
        } catch (TwinfrontException end) {
            failure = end;
            throw end;
        }
    }

    @Override
    public RespT next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        RespT message = responses.next();
        if (resumption.leadsOn(message)) {
            attempts.getOn();
        }
        if (resumption.isWhole()) {
            close();
        }
        return resumption.inAll(message);
    }

    @Override
    public void close() {
        isEnded = true;
        if (responses != null) {
            responses.close();
        }
    }
}
