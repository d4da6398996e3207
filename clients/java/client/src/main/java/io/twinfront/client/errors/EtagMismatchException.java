package io.twinfront.client.errors;

import io.twinfront.v1.EtagConflict;

/** The etag in {@code if_match} is not the resource's current one: read again, redo the change, write again. */
public class EtagMismatchException extends AbortedException {
    private static final long serialVersionUID = 1L;

    private final EtagConflict conflict;

    EtagMismatchException(ErrorFacts facts) {
        super(facts);
        this.conflict = facts.detail(EtagConflict.class).orElse(EtagConflict.getDefaultInstance());
    }

    /** {@return a path: {@code digitaltwins/{id}} or {@code digitaltwins/{id}/relationships/{relationship id}}} */
    public String getResource() {
        return conflict.getResource();
    }

    /** {@return the etag that the call asked for} */
    public String getExpectedEtag() {
        return conflict.getExpectedEtag();
    }

    /** {@return the etag that the resource had; empty if it could not be read, or is gone by now} */
    public String getCurrentEtag() {
        return conflict.getCurrentEtag();
    }
}
