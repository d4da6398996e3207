package io.twinfront.client.errors;

/** The upstream cannot check a write without doing it ({@code UNIMPLEMENTED}). */
public class ValidateOnlyUnsupportedException extends TwinfrontException {
    private static final long serialVersionUID = 1L;

    ValidateOnlyUnsupportedException(ErrorFacts facts) {
        super(facts);
    }
}
