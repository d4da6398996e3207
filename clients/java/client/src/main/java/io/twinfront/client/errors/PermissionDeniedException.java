package io.twinfront.client.errors;

/** The caller may not do this ({@code PERMISSION_DENIED}). */
public class PermissionDeniedException extends TwinfrontException {
    private static final long serialVersionUID = 1L;

    PermissionDeniedException(ErrorFacts facts) {
        super(facts);
    }
}
