package io.twinfront.client.errors;

/** There is no such model. */
public class ModelNotFoundException extends NotFoundException {
    private static final long serialVersionUID = 1L;

    ModelNotFoundException(ErrorFacts facts) {
        super(facts);
    }
}
