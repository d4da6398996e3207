package io.twinfront.client;

import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.Relationship;
import java.util.Optional;

/**
 * A digital twin or a relationship: one of the two is there.
 *
 * @param digitalTwin the digital twin
 * @param relationship the relationship
 */
public record Resource(Optional<DigitalTwin> digitalTwin, Optional<Relationship> relationship) {
    static Resource of(DigitalTwin twin) {
        return new Resource(Optional.of(twin), Optional.empty());
    }

    static Resource of(Relationship relationship) {
        return new Resource(Optional.empty(), Optional.of(relationship));
    }

    /** {@return its id; of a relationship that which it has among those of its source} */
    public String id() {
        return digitalTwin
                .map(DigitalTwin::getId)
                .orElseGet(() -> relationship.orElseThrow().getId());
    }

    /** {@return its etag} */
    public String etag() {
        return digitalTwin
                .map(DigitalTwin::getEtag)
                .orElseGet(() -> relationship.orElseThrow().getEtag());
    }
}
