package io.twinfront.client.errors;

/** The call's time has run out ({@code DEADLINE_EXCEEDED}). A write may have been applied all the same. */
public class DeadlineExceededException extends TwinfrontException {
    private static final long serialVersionUID = 1L;

    DeadlineExceededException(ErrorFacts facts) {
        super(facts);
    }
}
