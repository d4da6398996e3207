package io.twinfront.runner;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.twinfront.client.TwinfrontClient;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

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
        Options options = Options.of(arguments);
        String file = arguments[arguments.length - 1];
        JsonArray scenarios = JsonParser.parseString(Files.readString(Path.of(file)))
                .getAsJsonObject()
                .getAsJsonArray("scenarios");
        try (TwinfrontClient client = options.client(() -> options.get("--token"))) {
            PrintStream output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
            for (JsonElement scenario : scenarios) {
                run(client, scenario.getAsJsonObject(), output);
            }
        }
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
