package io.twinfront.client;

import io.grpc.Status;
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
    private boolean getsOn; // whether the stream that is open has led on

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
            TwinfrontException broken;
            try {
                if (responses == null) {
                    getsOn = false;
                    responses = begin.get();
                }
                boolean hasNext = responses.hasNext();
                if (hasNext || !resumption.isEndless() || !attempts.mayBeSeveral()) {
                    return hasNext;
                }
                broken = endedEarly();
            } catch (TwinfrontException e) {
                broken = e;
            }
            responses = null;
            if (broken != null) {
                pauseAfter(broken);
            }
        }
        return false;
    }

    /** Gives the failure that it is if the server ends a stream without an end; null if that has brought something. */
    private TwinfrontException endedEarly() {
        return getsOn
                ? null
                : TwinfrontException.from(
                        Status.UNAVAILABLE.withDescription("The server ended the stream without a message."), null);
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
            getsOn = true;
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
