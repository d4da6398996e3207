package io.twinfront.client.errors;

/** The server follows no source of changes ({@code UNIMPLEMENTED}). */
public class ChangesUnsupportedException extends TwinfrontException {
    private static final long serialVersionUID = 1L;

    ChangesUnsupportedException(ErrorFacts facts) {
        super(facts);
    }
}
