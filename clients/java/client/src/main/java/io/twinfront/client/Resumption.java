package io.twinfront.client;

import io.grpc.ClientCall;

/** How far a stream that may break has come, and how it is gone on with from there. */
interface Resumption<ReqT, RespT> {
    /** Begins the stream, or goes on after the messages that were noted. */
    CloseableIterator<RespT> begin(ClientCall<ReqT, RespT> call);

    /**
     * Notes a message.
     *
     * @return whether it leads on: what leads nowhere, or to where the stream was, could go on for ever
     */
    boolean leadsOn(RespT message);

    /** Tells whether the message that was noted is the last one: if the stream breaks now, going on is to begin anew. */
    boolean isWhole();

    /** Tells whether the stream has no end of its own, so that one that the server ends is gone on with as well. */
    default boolean isEndless() {
        return false;
    }

    /** Gives the message that was noted as it is in the whole of all streams. */
    RespT inAll(RespT message);
}
