package io.twinfront.client.errors;

/** A model is not valid DTDL, or refers to a model that is not there; none of the call was stored. */
public class DtdlInvalidException extends InvalidArgumentException {
    private static final long serialVersionUID = 1L;

    DtdlInvalidException(ErrorFacts facts) {
        super(facts);
    }
}
