package io.twinfront.client.errors;

/** The twin or relationship would not fit its model. */
public class ValidationFailedException extends InvalidArgumentException {
    private static final long serialVersionUID = 1L;

    ValidationFailedException(ErrorFacts facts) {
        super(facts);
    }
}
