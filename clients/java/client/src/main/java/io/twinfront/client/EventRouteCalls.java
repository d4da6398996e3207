package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.twinfront.v1.CreateOrReplaceEventRouteRequest;
import io.twinfront.v1.CreateOrReplaceEventRouteResponse;
import io.twinfront.v1.DeleteEventRouteRequest;
import io.twinfront.v1.DeleteEventRouteResponse;
import io.twinfront.v1.EventRouteServiceGrpc;
import io.twinfront.v1.GetEventRouteRequest;
import io.twinfront.v1.GetEventRouteResponse;
import io.twinfront.v1.ListEventRoutesRequest;
import io.twinfront.v1.ListEventRoutesResponse;

/** Event routes: the calls of {@code EventRouteService}, which have the options of a stub and throw what {@link TwinfrontClient} tells. */
public final class EventRouteCalls extends Calls<EventRouteCalls> {
    EventRouteCalls(Channel channel, CallOptions options) {
        super(channel, options);
    }

    @Override
    protected EventRouteCalls build(Channel channel, CallOptions options) {
        return new EventRouteCalls(channel, options);
    }

    /**
     * Creates an event route, or replaces the one of that id.
     *
     * @param request the id, and the route to be
     * @return nothing more than that it is done
     */
    public CreateOrReplaceEventRouteResponse createOrReplaceEventRoute(CreateOrReplaceEventRouteRequest request) {
        return unary(EventRouteServiceGrpc.getCreateOrReplaceEventRouteMethod(), request);
    }

    /**
     * Reads an event route.
     *
     * @param request the id
     * @return the route
     */
    public GetEventRouteResponse getEventRoute(GetEventRouteRequest request) {
        return unary(EventRouteServiceGrpc.getGetEventRouteMethod(), request);
    }

    /**
     * Lists event routes, a page of them; {@link Listing} goes through all.
     *
     * @param request the size of the page
     * @return one page
     */
    public ListEventRoutesResponse listEventRoutes(ListEventRoutesRequest request) {
        return unary(EventRouteServiceGrpc.getListEventRoutesMethod(), request);
    }

    /**
     * Deletes an event route.
     *
     * @param request the id
     * @return nothing more than that it is done
     */
    public DeleteEventRouteResponse deleteEventRoute(DeleteEventRouteRequest request) {
        return unary(EventRouteServiceGrpc.getDeleteEventRouteMethod(), request);
    }
}
