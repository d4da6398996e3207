package io.twinfront.client.errors;

/** Another writer was faster ({@code ABORTED}): read again, redo the change, write again. */
public class AbortedException extends TwinfrontException {
    private static final long serialVersionUID = 1L;

    AbortedException(ErrorFacts facts) {
        super(facts);
    }
}
