package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.twinfront.v1.CheckPermissionsRequest;
import io.twinfront.v1.CheckPermissionsResponse;
import io.twinfront.v1.PermissionServiceGrpc;

/** What a caller may do: the calls of {@code PermissionService}, which have the options of a stub and throw what {@link TwinfrontClient} tells. */
public final class PermissionCalls extends Calls<PermissionCalls> {
    PermissionCalls(Channel channel, CallOptions options) {
        super(channel, options);
    }

    @Override
    protected PermissionCalls build(Channel channel, CallOptions options) {
        return new PermissionCalls(channel, options);
    }

    /**
     * Tells for up to 1,000 calls at once whether the caller may make them. It takes no permission, and does none of them.
     *
     * @param request the calls, {@code twinfront.v1.DigitalTwinService/GetDigitalTwin}, each with the id of the twin that it
     *     would be about, if it is about one
     * @return a decision for each, in the order of the request
     */
    public CheckPermissionsResponse checkPermissions(CheckPermissionsRequest request) {
        return unary(PermissionServiceGrpc.getCheckPermissionsMethod(), request);
    }
}
