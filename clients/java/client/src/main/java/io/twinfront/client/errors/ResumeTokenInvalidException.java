package io.twinfront.client.errors;

/** The resume token was not made by this service, or is of another log of changes or another request. */
public class ResumeTokenInvalidException extends InvalidArgumentException {
    private static final long serialVersionUID = 1L;

    ResumeTokenInvalidException(ErrorFacts facts) {
        super(facts);
    }
}
