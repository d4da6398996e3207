package io.twinfront.client.errors;

/** There is no such digital twin. */
public class TwinNotFoundException extends NotFoundException {
    private static final long serialVersionUID = 1L;

    TwinNotFoundException(ErrorFacts facts) {
        super(facts);
    }
}
