package io.twinfront.client.errors;

/** There is no such job. */
public class JobNotFoundException extends NotFoundException {
    private static final long serialVersionUID = 1L;

    JobNotFoundException(ErrorFacts facts) {
        super(facts);
    }
}
