package io.twinfront.client.errors;

/** The page token was not made by this service, or for another request. */
public class PageTokenInvalidException extends InvalidArgumentException {
    private static final long serialVersionUID = 1L;

    PageTokenInvalidException(ErrorFacts facts) {
        super(facts);
    }
}
