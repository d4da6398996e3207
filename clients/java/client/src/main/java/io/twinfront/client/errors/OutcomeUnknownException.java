package io.twinfront.client.errors;

/** The answer to a write was lost ({@code UNKNOWN}): read before writing again. */
public class OutcomeUnknownException extends TwinfrontException {
    private static final long serialVersionUID = 1L;

    OutcomeUnknownException(ErrorFacts facts) {
        super(facts);
    }
}
