package io.twinfront.client.errors;

/** The twin has no such relationship. */
public class RelationshipNotFoundException extends NotFoundException {
    private static final long serialVersionUID = 1L;

    RelationshipNotFoundException(ErrorFacts facts) {
        super(facts);
    }
}
