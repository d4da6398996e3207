package io.twinfront.client.errors;

/** The resource that the call is about does not exist ({@code NOT_FOUND}). */
public class NotFoundException extends TwinfrontException {
    private static final long serialVersionUID = 1L;

    NotFoundException(ErrorFacts facts) {
        super(facts);
    }
}
