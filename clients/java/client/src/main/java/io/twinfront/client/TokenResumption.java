package io.twinfront.client;

import io.grpc.ClientCall;
import java.util.function.Function;
import java.util.function.Predicate;

/** Goes on with the token of the last message. */
final class TokenResumption<ReqT, RespT> implements Resumption<ReqT, RespT> {
    private final Function<String, ReqT> from;
    private final Function<RespT, String> tokenOf;
    private final Predicate<RespT> isOfUse;
    private String token;
    private boolean isWhole;

    /**
     * Makes one.
     *
     * @param token where to begin
     * @param from makes the request that begins at a token
     * @param tokenOf the place after a message; empty after the last one
     * @param isOfUse whether a message has anything in it
     */
    TokenResumption(
            String token, Function<String, ReqT> from, Function<RespT, String> tokenOf, Predicate<RespT> isOfUse) {
        this.token = token;
        this.from = from;
        this.tokenOf = tokenOf;
        this.isOfUse = isOfUse;
    }

    @Override
    public CloseableIterator<RespT> begin(ClientCall<ReqT, RespT> call) {
        return ResponseStream.of(call, from.apply(token));
    }

    @Override
    public boolean leadsOn(RespT message) {
        String before = token;
        token = tokenOf.apply(message);
        isWhole = token.isEmpty();
        return isOfUse.test(message) && !token.equals(before);
    }

    @Override
    public boolean isWhole() {
        return isWhole;
    }

    @Override
    public RespT inAll(RespT message) {
        return message;
    }
}
