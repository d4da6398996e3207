package io.twinfront.client.errors;

/** The twin has no such component. */
public class ComponentNotFoundException extends NotFoundException {
    private static final long serialVersionUID = 1L;

    ComponentNotFoundException(ErrorFacts facts) {
        super(facts);
    }
}
