package io.twinfront.runner;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.twinfront.client.errors.EtagMismatchException;
import io.twinfront.client.errors.InvalidArgumentException;
import io.twinfront.client.errors.Retryable;
import io.twinfront.client.errors.TwinHasRelationshipsException;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.v1.RelationshipsBlockingDelete.BlockingRelationship;
import java.util.List;

/** Errors as all runners print them. */
final class Described {
    private Described() {}

    /** Adds the code and the error to a line, or to the outcome of an item. */
    static JsonObject into(JsonObject line, TwinfrontException error) {
        line.addProperty("code", error.getCode().name());
        line.add("error", error(error));
        return line;
    }

    private static JsonObject error(TwinfrontException error) {
        JsonObject described = new JsonObject();
        described.addProperty("kind", error.getClass().getSimpleName().replaceFirst("Exception$", ""));
        described.addProperty("attempts", error.getAttempts());
        described.addProperty("reason", error.getReason());
        described.add("metadata", Json.object(error.getMetadata()));
        if (error instanceof EtagMismatchException mismatch) {
            described.addProperty("resource", mismatch.getResource());
            described.addProperty("expectedEtag", mismatch.getExpectedEtag());
            described.addProperty("currentEtag", mismatch.getCurrentEtag());
        } else if (error instanceof TwinHasRelationshipsException blocked) {
            described.add("outgoing", blockers(blocked.getOutgoing()));
            described.add("incoming", blockers(blocked.getIncoming()));
            described.addProperty("outgoingTotal", blocked.getOutgoingTotal());
            described.addProperty("incomingTotal", blocked.getIncomingTotal());
        } else if (error instanceof Retryable retryable) {
            retryable.getRetryAfter().ifPresent(delay -> described.addProperty("retryAfterMs", delay.toMillis()));
        } else if (error instanceof InvalidArgumentException invalid) {
            JsonArray violations = new JsonArray();
            invalid.getFieldViolations().forEach(violation -> {
                JsonObject one = new JsonObject();
                one.addProperty("field", violation.field());
                one.addProperty("reason", violation.reason());
                violations.add(one);
            });
            described.add("fieldViolations", violations);
        }
        return described;
    }

    private static JsonArray blockers(List<BlockingRelationship> relationships) {
        return Json.array(relationships.stream().map(relationship -> {
            JsonObject one = new JsonObject();
            one.addProperty("relationshipId", relationship.getRelationshipId());
            one.addProperty("sourceId", relationship.getSourceId());
            one.addProperty("targetId", relationship.getTargetId());
            one.addProperty("name", relationship.getName());
            return one;
        }));
    }
}
