package io.twinfront.client.errors;

/** The caller ended the call ({@code CANCELLED}). */
public class CallCancelledException extends TwinfrontException {
    private static final long serialVersionUID = 1L;

    CallCancelledException(ErrorFacts facts) {
        super(facts);
    }
}
