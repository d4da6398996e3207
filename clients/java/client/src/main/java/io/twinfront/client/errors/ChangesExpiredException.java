package io.twinfront.client.errors;

/** The log of changes no longer has what was to be told ({@code OUT_OF_RANGE}): the state has to be read anew. */
public class ChangesExpiredException extends TwinfrontException {
    private static final long serialVersionUID = 1L;

    ChangesExpiredException(ErrorFacts facts) {
        super(facts);
    }
}
