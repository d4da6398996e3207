package io.twinfront.client.errors;

/** An operation of a JSON Patch is malformed, or its path leads nowhere. */
public class JsonPatchInvalidException extends InvalidArgumentException {
    private static final long serialVersionUID = 1L;

    JsonPatchInvalidException(ErrorFacts facts) {
        super(facts);
    }
}
