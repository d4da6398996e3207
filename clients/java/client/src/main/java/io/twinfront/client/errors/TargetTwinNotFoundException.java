package io.twinfront.client.errors;

/** The twin that a relationship is to point to does not exist. */
public class TargetTwinNotFoundException extends FailedPreconditionException {
    private static final long serialVersionUID = 1L;

    TargetTwinNotFoundException(ErrorFacts facts) {
        super(facts);
    }
}
