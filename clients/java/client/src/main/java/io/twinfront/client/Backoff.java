package io.twinfront.client;

import io.grpc.Status;
import io.twinfront.client.errors.TwinfrontException;
import java.util.concurrent.ThreadLocalRandom;

/** Pauses between attempts: random, so that writers that collided do not do so again at the same moment. */
final class Backoff {
    private static final long FIRST_MILLIS = 50;
    private static final long LONGEST_MILLIS = 2_000;

    private Backoff() {}

    /** Waits up to a bound that doubles with each attempt, from 1; a {@code CallCancelledException} if interrupted. */
    static void pause(int attempt) {
        long bound = Math.min(LONGEST_MILLIS, FIRST_MILLIS << Math.min(attempt - 1, 10));
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong(bound));
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /** Makes the error of a call whose thread was interrupted, and leaves the thread interrupted. */
    static TwinfrontException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return TwinfrontException.from(
                Status.CANCELLED.withDescription("The thread was interrupted.").withCause(e), null);
    }
}
