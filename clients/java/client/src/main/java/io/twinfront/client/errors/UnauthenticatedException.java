package io.twinfront.client.errors;

/** No valid token or certificate was presented ({@code UNAUTHENTICATED}). */
public class UnauthenticatedException extends TwinfrontException {
    private static final long serialVersionUID = 1L;

    UnauthenticatedException(ErrorFacts facts) {
        super(facts);
    }
}
