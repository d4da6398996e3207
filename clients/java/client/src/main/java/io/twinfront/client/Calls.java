package io.twinfront.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractBlockingStub;
import io.grpc.stub.ClientCalls;
import io.twinfront.client.errors.TwinfrontException;

/**
 * A blocking stub as grpc generates them, but for its exceptions, and for what it sends again: those of a generated stub are
 * always plain {@link StatusRuntimeException}s, made where nothing can be hooked in.
 */
abstract class Calls<S extends Calls<S>> extends AbstractBlockingStub<S> {
    Calls(Channel channel, CallOptions options) {
        super(channel, options);
    }

    /** Sends a call, as often as {@link Attempts} says. */
    final <ReqT, RespT> RespT unary(MethodDescriptor<ReqT, RespT> method, ReqT request) {
        ReqT identified = server().sendsAgain() ? Requests.identified(request) : request;
        CallOptions options = server().withDeadline(method, getCallOptions());
        Attempts attempts = new Attempts(Requests.kind(method, request), deadline(options), server());
        while (true) {
            try {
                return ClientCalls.blockingUnaryCall(getChannel(), method, attempts.begin(options), identified);
            } catch (StatusRuntimeException e) {
                attempts.pauseAfter(TwinfrontException.from(e));
            }
        }
    }

    final <ReqT, RespT> ClientCall<ReqT, RespT> call(MethodDescriptor<ReqT, RespT> method) {
        return getChannel().newCall(method, getCallOptions());
    }

    /** Begins a stream that can be gone on with, and goes on with it when it breaks. */
    final <ReqT, RespT> CloseableIterator<RespT> resuming(
            MethodDescriptor<ReqT, RespT> method, Resumption<ReqT, RespT> resumption) {
        Attempts attempts = new Attempts(Attempts.Kind.STREAM, deadline(getCallOptions()), server());
        return new ResumingStream<>(
                () -> resumption.begin(getChannel().newCall(method, attempts.begin(getCallOptions()))),
                resumption,
                attempts);
    }

    private KnownServer server() {
        return KnownServer.of(getCallOptions());
    }

    private static Deadline deadline(CallOptions options) {
        Deadline own = options.getDeadline();
        Deadline ofContext = Context.current().getDeadline();
        return own == null || ofContext == null ? (own == null ? ofContext : own) : own.minimum(ofContext);
    }
}
