package io.twinfront.client;

import io.grpc.CallCredentials;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/** Presents a token with each call. It is asked for on the channel's executor, so asking may take its time. */
final class BearerToken extends CallCredentials {
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Pattern WELL_FORMED = Pattern.compile("[!-~]+");

    private final Supplier<String> token;

    BearerToken(Supplier<String> token) {
        this.token = token;
    }

    @Override
    public void applyRequestMetadata(RequestInfo request, Executor executor, MetadataApplier applier) {
        executor.execute(() -> {
            try {
                String value = token.get();
                if (value == null || !WELL_FORMED.matcher(value).matches()) {
                    throw new IllegalArgumentException(
                            "the token is empty, or has characters that no bearer token has");
                }
                Metadata headers = new Metadata();
                headers.put(AUTHORIZATION, "Bearer " + value);
                applier.apply(headers);
            } catch (RuntimeException e) {
                applier.fail(Status.UNAUTHENTICATED
                        .withDescription("There is no token.")
                        .withCause(e));
            }
        });
    }
}
