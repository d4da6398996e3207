package io.twinfront.runner;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.twinfront.client.Tls;
import io.twinfront.client.TwinfrontClient;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Executes the scenarios that all clients of twinfront have in common, and prints a line of JSON for each step. What a line
 * has is told beside the scenarios.
 */
public final class Main {
    private Main() {}

    /**
     * Runs the program.
     *
     * @param arguments {@code --address HOST:PORT [--ca FILE [--cert FILE --key FILE] [--server-name NAME]] [--token T]
     *     SCENARIOS.json}
     * @throws IOException if the file cannot be read
     */
    public static void main(String[] arguments) throws IOException {
        Map<String, String> options = new HashMap<>();
        int last = arguments.length - 1;
        for (int i = 0; i < last; i += 2) {
            options.put(arguments[i], arguments[i + 1]);
        }
        JsonArray scenarios = JsonParser.parseString(Files.readString(Path.of(arguments[last])))
                .getAsJsonObject()
                .getAsJsonArray("scenarios");
        try (TwinfrontClient client = client(options)) {
            PrintStream output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
            for (JsonElement scenario : scenarios) {
                run(client, scenario.getAsJsonObject(), output);
            }
        }
    }

    private static TwinfrontClient client(Map<String, String> options) {
        TwinfrontClient.Builder builder = TwinfrontClient.builder(options.getOrDefault("--address", "localhost:50051"));
        String token = options.get("--token");
        if (token != null) {
            builder.token(() -> token);
        }
        if (options.containsKey("--ca")) {
            Tls tls = Tls.standard().ca(Path.of(options.get("--ca")));
            if (options.containsKey("--cert")) {
                tls = tls.certificate(Path.of(options.get("--cert")), Path.of(options.get("--key")));
            }
            if (options.containsKey("--server-name")) {
                tls = tls.serverName(options.get("--server-name"));
            }
            builder.tls(tls);
        } else if (token != null) {
            builder.insecure();
        }
        return builder.build();
    }

    private static void run(TwinfrontClient client, JsonObject scenario, PrintStream output) {
        Scene scene = new Scene(client);
        int number = 0;
        for (JsonElement step : scenario.getAsJsonArray("steps")) {
            JsonObject line = scene.line(step);
            line.add("scenario", scenario.get("name"));
            line.addProperty("step", number++);
            output.println(line);
        }
    }
}
