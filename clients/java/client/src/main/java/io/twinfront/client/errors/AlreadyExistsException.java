package io.twinfront.client.errors;

/** There is one already ({@code ALREADY_EXISTS}): a twin or relationship that was only to be created, a model, a job. */
public class AlreadyExistsException extends TwinfrontException {
    private static final long serialVersionUID = 1L;

    AlreadyExistsException(ErrorFacts facts) {
        super(facts);
    }
}
