package io.twinfront.client.errors;

/** Other models extend this one or have it as a component: delete or decommission them first. */
public class ModelHasDependentsException extends FailedPreconditionException {
    private static final long serialVersionUID = 1L;

    ModelHasDependentsException(ErrorFacts facts) {
        super(facts);
    }
}
