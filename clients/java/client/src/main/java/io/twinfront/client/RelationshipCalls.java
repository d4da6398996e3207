package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.twinfront.v1.CreateOrReplaceRelationshipRequest;
import io.twinfront.v1.CreateOrReplaceRelationshipResponse;
import io.twinfront.v1.DeleteRelationshipRequest;
import io.twinfront.v1.DeleteRelationshipResponse;
import io.twinfront.v1.GetRelationshipRequest;
import io.twinfront.v1.GetRelationshipResponse;
import io.twinfront.v1.ListIncomingRelationshipsRequest;
import io.twinfront.v1.ListIncomingRelationshipsResponse;
import io.twinfront.v1.ListRelationshipsRequest;
import io.twinfront.v1.ListRelationshipsResponse;
import io.twinfront.v1.RelationshipServiceGrpc;
import io.twinfront.v1.UpdateRelationshipRequest;
import io.twinfront.v1.UpdateRelationshipResponse;

/** Relationships between digital twins: the calls of {@code RelationshipService}, which have the options of a stub and throw what {@link TwinfrontClient} tells. */
public final class RelationshipCalls extends Calls<RelationshipCalls> {
    RelationshipCalls(Channel channel, CallOptions options) {
        super(channel, options);
    }

    @Override
    protected RelationshipCalls build(Channel channel, CallOptions options) {
        return new RelationshipCalls(channel, options);
    }

    /**
     * Creates a relationship from a twin, or replaces the one of that id as a whole.
     *
     * @param request the source's id, the relationship's id, the relationship to be, and conditions
     * @return the relationship, with its new etag
     */
    public CreateOrReplaceRelationshipResponse createOrReplaceRelationship(CreateOrReplaceRelationshipRequest request) {
        return unary(RelationshipServiceGrpc.getCreateOrReplaceRelationshipMethod(), request);
    }

    /**
     * Reads a relationship.
     *
     * @param request the source's id, and the relationship's
     * @return the relationship and its etag
     */
    public GetRelationshipResponse getRelationship(GetRelationshipRequest request) {
        return unary(RelationshipServiceGrpc.getGetRelationshipMethod(), request);
    }

    /**
     * Changes the properties of a relationship by a JSON Patch, which {@link Patch} makes.
     *
     * @param request the source's id, the relationship's id, the patch, and conditions
     * @return the relationship's new etag
     */
    public UpdateRelationshipResponse updateRelationship(UpdateRelationshipRequest request) {
        return unary(RelationshipServiceGrpc.getUpdateRelationshipMethod(), request);
    }

    /**
     * Deletes a relationship.
     *
     * @param request the source's id, the relationship's id, and conditions
     * @return nothing more than that it is done
     */
    public DeleteRelationshipResponse deleteRelationship(DeleteRelationshipRequest request) {
        return unary(RelationshipServiceGrpc.getDeleteRelationshipMethod(), request);
    }

    /**
     * Lists the relationships that start from a twin, a page of them; {@link Listing} goes through all.
     *
     * @param request the twin's id, and perhaps the name of the relationships
     * @return one page
     */
    public ListRelationshipsResponse listRelationships(ListRelationshipsRequest request) {
        return unary(RelationshipServiceGrpc.getListRelationshipsMethod(), request);
    }

    /**
     * Lists the relationships that point to a twin, a page of them; {@link Listing} goes through all.
     *
     * @param request the twin's id
     * @return one page
     */
    public ListIncomingRelationshipsResponse listIncomingRelationships(ListIncomingRelationshipsRequest request) {
        return unary(RelationshipServiceGrpc.getListIncomingRelationshipsMethod(), request);
    }
}
