package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.twinfront.client.errors.CallCancelledException;
import io.twinfront.client.errors.DeadlineExceededException;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.client.errors.UnavailableException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * The attempts at one call: decides after each that failed whether there is another one.
 *
 * <table>
 * <caption>When there is another attempt</caption>
 * <tr><th>one that …</th><th>has done</th><th>is followed by another one</th></tr>
 * <tr><td>is told SERVER_DRAINING</td><td>nothing</td><td>while there is time</td></tr>
 * <tr><td>finds no connection</td><td>nothing</td><td>while there is time, once the server was seen</td></tr>
 * <tr><td>is told UPSTREAM_UNAVAILABLE</td><td>nothing</td><td>four times</td></tr>
 * <tr><td>loses its connection</td><td>all, or nothing</td><td>four times, if the call bears that</td></tr>
 * <tr><td>ends with anything else</td><td>what that says</td><td>never</td></tr>
 * </table>
 *
 * <p>A server that forbids another attempt ({@code grpc-retry-pushback-ms}) is obeyed, and one that asks to wait is waited for.
 *
 * <p>Of reads, the channel makes these four attempts itself, and those after throttling too: the service config says so. A
 * stream that breaks is asked for from where it broke, and begins to count anew whenever it has brought something.
 *
 * <p>A write whose answer was lost and that is refused when it is sent again may be refused for what it did itself: under an
 * etag, say, which is another one by now. So after a loss only a success counts, or an answer that the server marks as that of
 * an earlier attempt; else the call ends with the loss, unless its time ended or the caller ended it, which says as little of
 * what it has done.
 */
final class Attempts {
    private static final int AS_MANY_AS_THERE_IS_TIME_FOR = Integer.MAX_VALUE;

    private static final Metadata.Key<String> REPLAYED =
            Metadata.Key.of("twinfront-replayed", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> PUSHBACK =
            Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);
    private static final Pattern MILLISECONDS = Pattern.compile("\\d+");
    private static final long STREAM_PATIENCE_SECONDS = 60;

    /** How many attempts a kind of call has after a failure of a server that answers. */
    enum Kind {
        /** The channel has made all attempts. */
        READ(1, 1, 1),
        WRITE(5, 1, 1),
        WRITE_THAT_BEARS_A_LOSS(5, 5, 1),
        STREAM(5, 5, 5);

        private final int outages;
        private final int losses;
        private final int others;

        Kind(int outages, int losses, int others) {
            this.outages = outages;
            this.losses = losses;
            this.others = others;
        }
    }

    private final Kind kind;
    private final KnownServer server;
    private final Deadline deadline; // null for none
    private Deadline patience; // of a stream that is broken; else null
    private SendTracer tracer;
    private int made;
    private int inARow;
    private int failures;
    private TwinfrontException lost; // the first of a write

    Attempts(Kind kind, Deadline deadline, KnownServer server) {
        this.kind = kind;
        this.deadline = deadline;
        this.server = server;
    }

    /** Begins an attempt: gives the options to send it with. */
    CallOptions begin(CallOptions options) {
        tracer = new SendTracer(server);
        return options.withStreamTracerFactory(tracer);
    }

    /** Notes that a stream has brought something: from here on it may break as one does that begins. */
    void getOn() {
        inARow = 0;
        failures = 0;
        patience = null;
    }

    /** Tells whether there may be more than one. */
    boolean mayBeSeveral() {
        return server.sendsAgain();
    }

    /**
     * Waits until it is time for the next attempt.
     *
     * @param failure what the last one ended with
     * @throws TwinfrontException what the call ends with if there is no other attempt
     */
    void pauseAfter(TwinfrontException failure) {
        made += tracer.attempts();
        if (!server.sendsAgain() || "true".equals(trailer(failure, REPLAYED))) {
            throw counted(failure);
        }
        if (kind == Kind.STREAM && inARow == 0) {
            patience = Deadline.after(STREAM_PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
        int most = forbidsAnother(failure) ? 1 : mostAfter(failure);
        inARow++;
        if (most != AS_MANY_AS_THERE_IS_TIME_FOR) {
            failures++;
        }
        Duration pause = longer(Backoff.after(inARow), asked(failure));
        if (failures >= most || !isBefore(deadline, pause) || !isBefore(patience, pause)) {
            throw counted(truth(failure));
        }
        Backoff.sleep(pause);
    }

    /** Gives the failure with the number of attempts. */
    private TwinfrontException counted(TwinfrontException failure) {
        return made == failure.getAttempts()
                ? failure
                : TwinfrontException.from(failure.getStatus(), failure.getTrailers(), made);
    }

    /** Gives what is true of all attempts: that an answer was lost, once one was. */
    private TwinfrontException truth(TwinfrontException failure) {
        boolean saysNothing = failure instanceof DeadlineExceededException || failure instanceof CallCancelledException;
        return lost == null || saysNothing ? failure : lost;
    }

    private int mostAfter(TwinfrontException failure) {
        if (!(failure instanceof UnavailableException)) {
            return 1;
        }
        if (!failure.getReason().isEmpty()) {
            int most = mostAfter(failure.getReason());
            return most == AS_MANY_AS_THERE_IS_TIME_FOR ? most : Math.min(most, kind.outages);
        }
        if (!tracer.wasSent()) {
            return server.wasSeen() ? AS_MANY_AS_THERE_IS_TIME_FOR : kind.others;
        }
        if (kind != Kind.STREAM && lost == null) {
            lost = failure;
        }
        // Of a read that ended so the channel has made one attempt only.
        boolean isNewToTheChannel = kind == Kind.READ && UnansweredCallInterceptor.isBroken(failure.getStatus());
        return isNewToTheChannel ? Kind.STREAM.losses : kind.losses;
    }

    /** After a reason that says that nothing was done, and that another attempt may succeed. */
    private int mostAfter(String reason) {
        return switch (reason) {
            // begin reasons: made by clients/reasons.py; do not edit
            case "SERVER_DRAINING" -> AS_MANY_AS_THERE_IS_TIME_FOR;
            case "UPSTREAM_UNAVAILABLE" -> 5;
            case "AUTHORIZER_UNAVAILABLE" -> 5;
            // end reasons
            default -> kind.others;
        };
    }

    /** Tells whether the server says that no other attempt helps (gRFC A6). */
    private static boolean forbidsAnother(TwinfrontException failure) {
        String pushback = trailer(failure, PUSHBACK);
        return pushback != null && !MILLISECONDS.matcher(pushback).matches();
    }

    private static String trailer(TwinfrontException failure, Metadata.Key<String> key) {
        Metadata trailers = failure.getTrailers();
        return trailers == null ? null : trailers.get(key);
    }

    private static Duration asked(TwinfrontException failure) {
        return failure instanceof UnavailableException unavailable
                ? unavailable.getRetryAfter().orElse(Duration.ZERO)
                : Duration.ZERO;
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? other : one;
    }

    private static boolean isBefore(Deadline deadline, Duration pause) {
        return deadline == null || pause.toNanos() < deadline.timeRemaining(TimeUnit.NANOSECONDS);
    }
}
