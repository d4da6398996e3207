package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Status;
import io.twinfront.client.errors.EtagMismatchException;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.v1.BatchGetDigitalTwinsRequest;
import io.twinfront.v1.BatchGetDigitalTwinsResponse;
import io.twinfront.v1.BatchWriteDigitalTwinsRequest;
import io.twinfront.v1.BatchWriteDigitalTwinsResponse;
import io.twinfront.v1.CreateOrReplaceDigitalTwinRequest;
import io.twinfront.v1.CreateOrReplaceDigitalTwinResponse;
import io.twinfront.v1.DeleteDigitalTwinRequest;
import io.twinfront.v1.DeleteDigitalTwinResponse;
import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.DigitalTwinServiceGrpc;
import io.twinfront.v1.GetComponentRequest;
import io.twinfront.v1.GetComponentResponse;
import io.twinfront.v1.GetDigitalTwinRequest;
import io.twinfront.v1.GetDigitalTwinResponse;
import io.twinfront.v1.MergeDigitalTwinRequest;
import io.twinfront.v1.MergeDigitalTwinResponse;
import io.twinfront.v1.UpdateComponentRequest;
import io.twinfront.v1.UpdateComponentResponse;
import io.twinfront.v1.UpdateDigitalTwinRequest;
import io.twinfront.v1.UpdateDigitalTwinResponse;
import java.util.function.Function;

/** Digital twins and their components: the calls of {@code DigitalTwinService}, which have the options of a stub and throw what {@link TwinfrontClient} tells. */
public final class DigitalTwinCalls extends Calls<DigitalTwinCalls> {
    DigitalTwinCalls(Channel channel, CallOptions options) {
        super(channel, options);
    }

    @Override
    protected DigitalTwinCalls build(Channel channel, CallOptions options) {
        return new DigitalTwinCalls(channel, options);
    }

    /**
     * Creates a digital twin, or replaces the one of that id as a whole: what the request does not have is gone
     * afterwards. Relationships stay.
     *
     * @param request the id, the twin to be, and conditions
     * @return the twin as this write left it, and its new etag
     */
    public CreateOrReplaceDigitalTwinResponse createOrReplaceDigitalTwin(CreateOrReplaceDigitalTwinRequest request) {
        return unary(DigitalTwinServiceGrpc.getCreateOrReplaceDigitalTwinMethod(), request);
    }

    /**
     * Reads a digital twin.
     *
     * @param request the id, and the form of the answer
     * @return the twin and its etag
     */
    public GetDigitalTwinResponse getDigitalTwin(GetDigitalTwinRequest request) {
        return unary(DigitalTwinServiceGrpc.getGetDigitalTwinMethod(), request);
    }

    /**
     * Changes a digital twin by a JSON Patch, which {@link Patch} makes.
     *
     * @param request the id, the patch, and conditions
     * @return the twin's new etag
     */
    public UpdateDigitalTwinResponse updateDigitalTwin(UpdateDigitalTwinRequest request) {
        return unary(DigitalTwinServiceGrpc.getUpdateDigitalTwinMethod(), request);
    }

    /**
     * Merges changes into a digital twin (RFC 7396): members that are given are set, members that are null are
     * removed, all others stay.
     *
     * @param request the id, the changes, and conditions
     * @return the twin's etag, and whether anything had to be written
     */
    public MergeDigitalTwinResponse mergeDigitalTwin(MergeDigitalTwinRequest request) {
        return unary(DigitalTwinServiceGrpc.getMergeDigitalTwinMethod(), request);
    }

    /**
     * Deletes a digital twin: one without relationships, or with {@code RELATIONSHIPS_DETACH} any.
     *
     * @param request the id, what to do with relationships, and conditions
     * @return how many relationships were deleted along with it
     */
    public DeleteDigitalTwinResponse deleteDigitalTwin(DeleteDigitalTwinRequest request) {
        return unary(DigitalTwinServiceGrpc.getDeleteDigitalTwinMethod(), request);
    }

    /**
     * Reads a component of a digital twin.
     *
     * @param request the twin's id, and the component's name
     * @return the component, and the twin's etag
     */
    public GetComponentResponse getComponent(GetComponentRequest request) {
        return unary(DigitalTwinServiceGrpc.getGetComponentMethod(), request);
    }

    /**
     * Changes a component of a digital twin by a JSON Patch, whose paths start at the component.
     *
     * @param request the twin's id, the component's name, the patch, and conditions
     * @return the twin's new etag
     */
    public UpdateComponentResponse updateComponent(UpdateComponentRequest request) {
        return unary(DigitalTwinServiceGrpc.getUpdateComponentMethod(), request);
    }

    /**
     * Reads up to 1,000 digital twins.
     *
     * @param request the ids
     * @return the twins that exist, the ids that no twin has, and those that the caller may not read, all in the order of the
     *     request
     */
    public BatchGetDigitalTwinsResponse batchGetDigitalTwins(BatchGetDigitalTwinsRequest request) {
        return unary(DigitalTwinServiceGrpc.getBatchGetDigitalTwinsMethod(), request);
    }

    /**
     * Writes up to 1,000 digital twins, each in its own way and under its own condition. This is not atomic.
     *
     * @param request the writes, no two of them about the same twin
     * @return a result for each write, in the order of the request; see {@link io.twinfront.client.errors.TwinfrontException#fromStatus}
     */
    public BatchWriteDigitalTwinsResponse batchWriteDigitalTwins(BatchWriteDigitalTwinsRequest request) {
        return unary(DigitalTwinServiceGrpc.getBatchWriteDigitalTwinsMethod(), request);
    }

    /**
     * Reads a twin, asks for a change to it, and writes the change under the twin's etag. When another writer was faster it
     * does all of it again, after a short and random pause.
     *
     * @param digitalTwinId the id of the twin
     * @param attempts how often to try at the most, from 1
     * @param change gets the twin and gives the patch, or null if nothing is to be done
     * @return the twin's etag
     * @throws io.twinfront.client.errors.EtagMismatchException if another writer was faster at the last attempt, too. Nothing
     *     is written under an etag that the server did not give
     */
    public String updateWithRetry(String digitalTwinId, int attempts, Function<DigitalTwin, Patch> change) {
        if (attempts < 1) {
            throw new IllegalArgumentException("attempts has to be 1 at the least: " + attempts);
        }
        GetDigitalTwinRequest read = GetDigitalTwinRequest.newBuilder()
                .setDigitalTwinId(digitalTwinId)
                .build();
        for (int attempt = 1; ; attempt++) {
            DigitalTwin twin = twinWithEtag(getDigitalTwin(read));
            Patch patch = change.apply(twin);
            if (patch == null) {
                return twin.getEtag();
            }
            UpdateDigitalTwinRequest write = UpdateDigitalTwinRequest.newBuilder()
                    .setDigitalTwinId(digitalTwinId)
                    .addAllPatch(patch.operations())
                    .setIfMatch(twin.getEtag())
                    .build();
            try {
                return updateDigitalTwin(write).getEtag();
            } catch (EtagMismatchException e) {
                // Only this says that nothing was written; ABORTED alone can be of anything in between.
                if (attempt == attempts) {
                    throw e;
                }
            }
            Backoff.pause(attempt);
        }
    }

    /** The twin that was read; a write under no etag would be one without condition. */
    private static DigitalTwin twinWithEtag(GetDigitalTwinResponse read) {
        if (read.getDigitalTwin().getEtag().isEmpty()) {
            String missing = read.hasDigitalTwin() ? "an etag" : "a twin";
            throw TwinfrontException.from(
                    Status.INTERNAL.withDescription("The server answered without " + missing + "."), null);
        }
        return read.getDigitalTwin();
    }
}
