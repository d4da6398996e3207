package io.twinfront.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.client.errors.UnavailableException;
import io.twinfront.v1.DigitalTwinServiceGrpc;
import io.twinfront.v1.GetDigitalTwinRequest;
import java.nio.channels.ClosedChannelException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Connections that end just when grpc is about to write on them, which no test can have happen. */
class ClosedConnectionTest {
    private static final Status CLOSED =
            Status.UNKNOWN.withDescription("channel closed").withCause(new ClosedChannelException());

    /** Ends all calls with a status. */
    private static Channel ending(Status status) {
        return new Channel() {
            @Override
            public <ReqT, RespT> ClientCall<ReqT, RespT> newCall(
                    MethodDescriptor<ReqT, RespT> method, CallOptions options) {
                return new ClientCall<>() {
                    @Override
                    public void start(Listener<RespT> listener, Metadata headers) {
                        listener.onClose(status, new Metadata());
                    }

                    @Override
                    public void request(int messages) {}

                    @Override
                    public void cancel(String message, Throwable cause) {}

                    @Override
                    public void halfClose() {}

                    @Override
                    public void sendMessage(ReqT message) {}
                };
            }

            @Override
            public String authority() {
                return "localhost";
            }
        };
    }

    private static Status.Code codeOfCallThatEndsWith(Status status) {
        Channel channel = ClientInterceptors.intercept(ending(status), new UnansweredCallInterceptor());
        StatusRuntimeException failure = assertThrows(
                StatusRuntimeException.class,
                () -> ClientCalls.blockingUnaryCall(
                        channel,
                        DigitalTwinServiceGrpc.getGetDigitalTwinMethod(),
                        CallOptions.DEFAULT,
                        GetDigitalTwinRequest.getDefaultInstance()));
        return failure.getStatus().getCode();
    }

    @Test
    void aConnectionThatHasEndedIsUnavailableAndAnyOtherUnknownStaysOne() {
        assertEquals(Status.Code.UNAVAILABLE, codeOfCallThatEndsWith(CLOSED));
        assertEquals(Status.Code.UNKNOWN, codeOfCallThatEndsWith(Status.UNKNOWN));
    }

    @Test
    void aReadIsSentAgainByTheClientWhereTheChannelDoesNotKnowThatItsConnectionHasEnded() {
        Attempts attempts = new Attempts(Attempts.Kind.READ, null, new KnownServer(Map.of(), true));
        TwinfrontException failure =
                TwinfrontException.from(Status.UNAVAILABLE.withCause(CLOSED.getCause()), new Metadata());
        for (int attempt = 1; attempt <= 5; attempt++) {
            CallOptions options = attempts.begin(CallOptions.DEFAULT);
            options.getStreamTracerFactories()
                    .get(0)
                    .newClientStreamTracer(
                            ClientStreamTracer.StreamInfo.newBuilder().build(), new Metadata())
                    .outboundHeaders();
            if (attempt < 5) {
                attempts.pauseAfter(failure);
            }
        }
        assertThrows(UnavailableException.class, () -> attempts.pauseAfter(failure));
    }
}
