package io.twinfront.client.errors;

/** There is no such event route. */
public class EventRouteNotFoundException extends NotFoundException {
    private static final long serialVersionUID = 1L;

    EventRouteNotFoundException(ErrorFacts facts) {
        super(facts);
    }
}
