package io.twinfront.client.errors;

import java.time.Duration;
import java.util.Optional;

/** Azure Digital Twins throttles: try again later. */
public class ThrottledException extends ResourceExhaustedException implements Retryable {
    private static final long serialVersionUID = 1L;

    private final Duration retryAfter;

    ThrottledException(ErrorFacts facts) {
        super(facts);
        this.retryAfter = facts.retryAfter();
    }

    @Override
    public Optional<Duration> getRetryAfter() {
        return Optional.ofNullable(retryAfter);
    }
}
