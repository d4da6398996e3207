package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractBlockingStub;
import io.grpc.stub.ClientCalls;
import io.twinfront.client.errors.TwinfrontException;

/**
 * A blocking stub as grpc generates them, but for its exceptions: those of a generated stub are always plain
 * {@link StatusRuntimeException}s, made where nothing can be hooked in.
 */
abstract class Calls<S extends Calls<S>> extends AbstractBlockingStub<S> {
    private static final int MAX_DRAINS = 5;

    Calls(Channel channel, CallOptions options) {
        super(channel, options);
    }

    /**
     * Sends a call. What a stopping server refused is sent again, whatever it is: nothing was done, and the channel was told
     * to connect elsewhere before the call was answered.
     */
    final <ReqT, RespT> RespT unary(MethodDescriptor<ReqT, RespT> method, ReqT request) {
        for (int drains = 1; ; drains++) {
            try {
                return ClientCalls.blockingUnaryCall(getChannel(), method, getCallOptions(), request);
            } catch (StatusRuntimeException e) {
                TwinfrontException failure = TwinfrontException.from(e);
                if (!failure.getReason().equals("SERVER_DRAINING") || drains == MAX_DRAINS) {
                    throw failure;
                }
            }
            Backoff.pause(drains);
        }
    }

    final <ReqT, RespT> ClientCall<ReqT, RespT> call(MethodDescriptor<ReqT, RespT> method) {
        return getChannel().newCall(method, getCallOptions());
    }
}
