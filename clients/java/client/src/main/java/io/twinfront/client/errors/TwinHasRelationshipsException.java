package io.twinfront.client.errors;

import io.twinfront.v1.RelationshipsBlockingDelete;
import io.twinfront.v1.RelationshipsBlockingDelete.BlockingRelationship;
import java.util.List;

/**
 * A twin with relationships cannot be deleted: delete them first, or along with the twin
 * ({@code RELATIONSHIPS_DETACH}).
 */
public class TwinHasRelationshipsException extends FailedPreconditionException {
    private static final long serialVersionUID = 1L;

    private final RelationshipsBlockingDelete blocking;

    TwinHasRelationshipsException(ErrorFacts facts) {
        super(facts);
        this.blocking = facts.detail(RelationshipsBlockingDelete.class)
                .orElse(RelationshipsBlockingDelete.getDefaultInstance());
    }

    /** {@return relationships that start from the twin; both lists together name 20 at the most} */
    public List<BlockingRelationship> getOutgoing() {
        return blocking.getOutgoingList();
    }

    /** {@return relationships that point to the twin} */
    public List<BlockingRelationship> getIncoming() {
        return blocking.getIncomingList();
    }

    /** {@return how many relationships start from the twin, listed or not} */
    public long getOutgoingTotal() {
        return blocking.getOutgoingTotal();
    }

    /** {@return how many relationships point to the twin, listed or not} */
    public long getIncomingTotal() {
        return blocking.getIncomingTotal();
    }

    /** {@return whether there may be more than counted, because there was no time to count them all} */
    public boolean areCountsLowerBounds() {
        return blocking.getCountsAreLowerBounds();
    }
}
