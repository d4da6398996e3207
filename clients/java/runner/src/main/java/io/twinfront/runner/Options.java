package io.twinfront.runner;

import io.twinfront.client.Tls;
import io.twinfront.client.TwinfrontClient;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/** The options of a program that has a client. */
record Options(Map<String, String> values) {
    /** Reads options, {@code --address HOST:PORT}, and leaves out a last word without a name. */
    static Options of(String[] arguments) {
        Map<String, String> values = new HashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            values.put(arguments[i], arguments[i + 1]);
        }
        return new Options(values);
    }

    String get(String name) {
        return values.get(name);
    }

    /** Makes the client that they tell of; it presents the token if there is a {@code --token}. */
    TwinfrontClient client(Supplier<String> token) {
        TwinfrontClient.Builder builder = TwinfrontClient.builder(values.getOrDefault("--address", "localhost:50051"));
        boolean hasToken = values.containsKey("--token");
        if (hasToken) {
            builder.token(token);
        }
        if (values.containsKey("--ca")) {
            Tls tls = Tls.standard().ca(Path.of(get("--ca")));
            if (values.containsKey("--cert")) {
                tls = tls.certificate(Path.of(get("--cert")), Path.of(get("--key")));
            }
            if (values.containsKey("--server-name")) {
                tls = tls.serverName(get("--server-name"));
            }
            builder.tls(tls);
        } else if (hasToken) {
            builder.insecure();
        }
        return builder.build();
    }
}
