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
    Calls(Channel channel, CallOptions options) {
        super(channel, options);
    }

    final <ReqT, RespT> RespT unary(MethodDescriptor<ReqT, RespT> method, ReqT request) {
        try {
            return ClientCalls.blockingUnaryCall(getChannel(), method, getCallOptions(), request);
        } catch (StatusRuntimeException e) {
            throw TwinfrontException.from(e);
        }
    }

    final <ReqT, RespT> ClientCall<ReqT, RespT> call(MethodDescriptor<ReqT, RespT> method) {
        return getChannel().newCall(method, getCallOptions());
    }
}
