package io.twinfront.client.errors;

/** Something else has to be changed first ({@code FAILED_PRECONDITION}). */
public class FailedPreconditionException extends TwinfrontException {
    private static final long serialVersionUID = 1L;

    FailedPreconditionException(ErrorFacts facts) {
        super(facts);
    }
}
