package io.twinfront.client;

import io.twinfront.client.errors.TwinfrontException;
import java.util.NoSuchElementException;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;

/** The messages of a stream that goes on where it broke, through as many streams as it takes. */
final class ResumingStream<ReqT, RespT> implements CloseableIterator<RespT> {
    private final BiFunction<ReqT, SendTracer, CloseableIterator<RespT>> begin;
    private final Resumption<ReqT, RespT> resumption;
    private final KnownServer server;
    private final Attempts attempts;
    private String token;
    private SendTracer tracer;
    private CloseableIterator<RespT> responses; // null if there is none at the moment
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
            BiFunction<ReqT, SendTracer, CloseableIterator<RespT>> begin,
            Resumption<ReqT, RespT> resumption,
            KnownServer server) {
        this.begin = begin;
        this.resumption = resumption;
        this.server = server;
        this.attempts = new Attempts(Attempts.Kind.STREAM, null, server);
        this.token = resumption.token();
    }

    @Override
    public boolean hasNext() {
        while (!isEnded) {
            try {
                if (responses == null) {
                    tracer = new SendTracer();
                    responses = begin.apply(resumption.from().apply(token), tracer);
                }
                return responses.hasNext();
            } catch (TwinfrontException e) {
                responses = null;
                attempts.pauseAfter(e, tracer.wasSent());
            }
        }
        return false;
    }

    @Override
    public RespT next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        RespT message = responses.next();
        server.answered();
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
