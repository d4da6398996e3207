package io.twinfront.client;

import io.twinfront.client.errors.TwinfrontException;
import java.util.NoSuchElementException;
import java.util.function.Function;
import java.util.function.Predicate;

/** The messages of a stream that goes on where it broke, through as many streams as it takes. */
final class ResumingStream<ReqT, RespT> implements CloseableIterator<RespT> {
    private final Function<ReqT, CloseableIterator<RespT>> begin;
    private final Resumption<ReqT, RespT> resumption;
    private final Attempts attempts;
    private String token;
    private CloseableIterator<RespT> responses; // null if there is none at the moment
    private TwinfrontException failure; // what it was given up for; null if it was not
    private boolean isEnded;

    /**
     * How a stream is gone on with.
     *
     * @param token where to begin
     * @param from makes the request that begins at a token
     * @param tokenOf the place after a message; empty after the last one
     * @param isOfUse whether a message has anything in it: what leads nowhere must not be gone on with for ever
     */
    record Resumption<ReqT, RespT>(
            String token, Function<String, ReqT> from, Function<RespT, String> tokenOf, Predicate<RespT> isOfUse) {}

    ResumingStream(
            Function<ReqT, CloseableIterator<RespT>> begin, Resumption<ReqT, RespT> resumption, Attempts attempts) {
        this.begin = begin;
        this.resumption = resumption;
        this.attempts = attempts;
        this.token = resumption.token();
    }

    @Override
    public boolean hasNext() {
        while (!isEnded) {
            if (failure != null) {
                throw failure;
            }
            try {
                if (responses == null) {
                    responses = begin.apply(resumption.from().apply(token));
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
        String begunFrom = token;
        token = resumption.tokenOf().apply(message);
        if (resumption.isOfUse().test(message) && !token.equals(begunFrom)) {
            attempts.getOn();
        }
        if (token.isEmpty()) {
            close(); // the last message: if the stream broke only now, going on would be to begin anew
        }
        return message;
    }

    @Override
    public void close() {
        isEnded = true;
        if (responses != null) {
            responses.close();
        }
    }
}
