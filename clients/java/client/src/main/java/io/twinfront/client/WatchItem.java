package io.twinfront.client;

import java.time.Instant;

/** One thing that a {@link Watch} tells. A {@code switch} over all that there are overlooks no {@link Reset}. */
public sealed interface WatchItem {
    /**
     * {@return where a watch goes on that has seen this, and all before it} What came in one message with this may come again, with
     * the same ids. Empty as long as there is no such place.
     */
    String resumeToken();

    /**
     * A change of the graph.
     *
     * @param change the change
     * @param resumeToken see {@link WatchItem#resumeToken}
     */
    record Change(io.twinfront.v1.Change change, String resumeToken) implements WatchItem {}

    /**
     * A digital twin or a relationship of the state that comes before the changes.
     *
     * @param resource the digital twin, or the relationship
     * @param resumeToken see {@link WatchItem#resumeToken}
     */
    record InitialItem(Resource resource, String resumeToken) implements WatchItem {}

    /**
     * The state has come; from here on changes do.
     *
     * @param resumeToken see {@link WatchItem#resumeToken}
     */
    record InitialStateEnd(String resumeToken) implements WatchItem {}

    /**
     * Nothing has changed, and the token has moved on.
     *
     * @param time everything that happened before has been told
     * @param resumeToken see {@link WatchItem#resumeToken}
     */
    record Checkpoint(Instant time, String resumeToken) implements WatchItem {}

    /**
     * There are changes that are not told one by one: a copy of the graph may be wrong from here on. With {@code
     * ON_EXPIRED_RESYNC} the state follows anew, from its first item; else changes go on, and whoever keeps a copy has to read it
     * again.
     *
     * @param reason why
     * @param jobId the job, if it was one
     * @param resumeToken see {@link WatchItem#resumeToken}
     */
    record Reset(io.twinfront.v1.Reset.Reason reason, String jobId, String resumeToken) implements WatchItem {}
}
