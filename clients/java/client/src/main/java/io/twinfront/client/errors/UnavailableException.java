package io.twinfront.client.errors;

import java.time.Duration;
import java.util.Optional;

/** The server, or Azure Digital Twins behind it, cannot be reached ({@code UNAVAILABLE}). */
public class UnavailableException extends TwinfrontException implements Retryable {
    private static final long serialVersionUID = 1L;

    private final Duration retryAfter;

    UnavailableException(ErrorFacts facts) {
        super(facts);
        this.retryAfter = facts.retryAfter();
    }

    @Override
    public Optional<Duration> getRetryAfter() {
        return Optional.ofNullable(retryAfter);
    }
}
