package io.twinfront.client.errors;

/** The model was decommissioned: there are no new twins of it. */
public class ModelDecommissionedException extends FailedPreconditionException {
    private static final long serialVersionUID = 1L;

    ModelDecommissionedException(ErrorFacts facts) {
        super(facts);
    }
}
