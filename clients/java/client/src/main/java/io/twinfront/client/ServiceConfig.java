package io.twinfront.client;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.reflect.TypeToken;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The service config of the contract: default timeouts, and which calls are sent again.
 *
 * @param forChannel the config in the form that grpc takes, of strings, booleans, doubles, lists and maps. It has no timeouts: to
 *     grpc they are bounds, which would cut off callers who give longer ones
 * @param timeouts the default timeouts by full method name, such as {@code twinfront.v1.ModelService/GetModel}
 */
record ServiceConfig(Map<String, ?> forChannel, Map<String, Duration> timeouts) {
    private static final String RESOURCE = "twinfront_service_config.json";

    /** Reads the config that is in this library. */
    static ServiceConfig load() {
        try (Reader reader = new InputStreamReader(
                Objects.requireNonNull(ServiceConfig.class.getResourceAsStream(RESOURCE), RESOURCE),
                StandardCharsets.UTF_8)) {
            Gson gson = new Gson();
            JsonObject config = gson.fromJson(reader, JsonObject.class);
            Map<String, Duration> timeouts = takeTimeouts(config.getAsJsonArray("methodConfig"));
            return new ServiceConfig(gson.fromJson(config, new TypeToken<Map<String, Object>>() {}), timeouts);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, Duration> takeTimeouts(JsonArray methodConfigs) {
        Map<String, Duration> timeouts = new HashMap<>();
        for (JsonElement methodConfig : methodConfigs) {
            JsonElement timeout = methodConfig.getAsJsonObject().remove("timeout");
            if (timeout == null) {
                continue;
            }
            // "30s" is the JSON form of a protobuf duration, and the end of an ISO 8601 one.
            Duration duration = Duration.parse("PT" + timeout.getAsString());
            for (JsonElement name : methodConfig.getAsJsonObject().getAsJsonArray("name")) {
                JsonObject method = name.getAsJsonObject();
                timeouts.put(
                        method.get("service").getAsString() + "/"
                                + method.get("method").getAsString(),
                        duration);
            }
        }
        return timeouts;
    }
}
