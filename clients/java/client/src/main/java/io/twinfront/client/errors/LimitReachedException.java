package io.twinfront.client.errors;

/** A limit is reached, and trying again does not help. */
public class LimitReachedException extends ResourceExhaustedException {
    private static final long serialVersionUID = 1L;

    LimitReachedException(ErrorFacts facts) {
        super(facts);
    }
}
