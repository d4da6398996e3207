package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.twinfront.v1.PublishComponentTelemetryRequest;
import io.twinfront.v1.PublishComponentTelemetryResponse;
import io.twinfront.v1.PublishTelemetryRequest;
import io.twinfront.v1.PublishTelemetryResponse;
import io.twinfront.v1.TelemetryServiceGrpc;

/** Telemetry of twins and components: the calls of {@code TelemetryService}, which have the options of a stub and throw what {@link TwinfrontClient} tells. */
public final class TelemetryCalls extends Calls<TelemetryCalls> {
    TelemetryCalls(Channel channel, CallOptions options) {
        super(channel, options);
    }

    @Override
    protected TelemetryCalls build(Channel channel, CallOptions options) {
        return new TelemetryCalls(channel, options);
    }

    /**
     * Publishes a telemetry message of a digital twin.
     *
     * @param request the twin's id, and the message
     * @return the id of the message
     */
    public PublishTelemetryResponse publishTelemetry(PublishTelemetryRequest request) {
        return unary(TelemetryServiceGrpc.getPublishTelemetryMethod(), request);
    }

    /**
     * Publishes a telemetry message of a component of a digital twin.
     *
     * @param request the twin's id, the component's name, and the message
     * @return the id of the message
     */
    public PublishComponentTelemetryResponse publishComponentTelemetry(PublishComponentTelemetryRequest request) {
        return unary(TelemetryServiceGrpc.getPublishComponentTelemetryMethod(), request);
    }
}
