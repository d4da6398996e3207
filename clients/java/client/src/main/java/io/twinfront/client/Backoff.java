package io.twinfront.client;

import io.grpc.Context;
import io.grpc.Status;
import io.twinfront.client.errors.TwinfrontException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** Pauses between attempts: random, so that writers that collided do not do so again at the same moment. */
final class Backoff {
    private static final long FIRST_MILLIS = 50;
    private static final long LONGEST_MILLIS = 2_000;

    private Backoff() {}

    /** Waits after an attempt, from 1; a {@code CallCancelledException} if interrupted. */
    static void pause(int attempt) {
        sleep(after(attempt));
    }

    /** Gives the time to wait after an attempt, from 1: up to a bound that doubles with each. */
    static Duration after(int attempt) {
        long bound = Math.min(LONGEST_MILLIS, FIRST_MILLIS << Math.min(attempt - 1, 10));
        return Duration.ofMillis(ThreadLocalRandom.current().nextLong(bound));
    }

    /** Waits, not beyond the end of the current {@link Context}; a {@code CallCancelledException} if interrupted. */
    static void sleep(Duration pause) {
        CountDownLatch ended = new CountDownLatch(1);
        Context.CancellationListener listener = context -> ended.countDown();
        Context current = Context.current();
        current.addListener(listener, Runnable::run);
        try {
            ended.await(pause.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw interrupted(e);
        } finally {
            current.removeListener(listener);
        }
    }

    /** Makes the error of a call whose thread was interrupted, and leaves the thread interrupted. */
    static TwinfrontException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return TwinfrontException.from(
                Status.CANCELLED.withDescription("The thread was interrupted.").withCause(e), null);
    }
}
