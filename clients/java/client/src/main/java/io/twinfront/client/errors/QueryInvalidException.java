package io.twinfront.client.errors;

/** The query is not understood. */
public class QueryInvalidException extends InvalidArgumentException {
    private static final long serialVersionUID = 1L;

    QueryInvalidException(ErrorFacts facts) {
        super(facts);
    }
}
