package io.twinfront.client.errors;

import java.time.Duration;
import java.util.Optional;

/** An error that may be over soon: {@link ThrottledException} and {@link UnavailableException}. */
public interface Retryable {
    /** {@return how long to wait before the next try; empty if the server did not say} */
    Optional<Duration> getRetryAfter();
}
