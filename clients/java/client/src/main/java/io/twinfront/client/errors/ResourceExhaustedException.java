package io.twinfront.client.errors;

/** There were too many calls, or a message is too large ({@code RESOURCE_EXHAUSTED}). */
public class ResourceExhaustedException extends TwinfrontException {
    private static final long serialVersionUID = 1L;

    ResourceExhaustedException(ErrorFacts facts) {
        super(facts);
    }
}
