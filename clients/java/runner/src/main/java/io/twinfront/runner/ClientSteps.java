package io.twinfront.runner;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.twinfront.client.CloseableIterator;
import io.twinfront.client.Patch;
import io.twinfront.client.Tls;
import io.twinfront.client.TwinfrontClient;
import io.twinfront.client.Values;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.v1.BatchWriteDigitalTwinsRequest;
import io.twinfront.v1.CreateOrReplaceDigitalTwinRequest;
import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.DigitalTwinWriteResult;
import io.twinfront.v1.GetDigitalTwinRequest;
import io.twinfront.v1.ImportGraphRequest;
import io.twinfront.v1.ImportGraphResponse;
import io.twinfront.v1.QueryRow;
import io.twinfront.v1.StreamQueryTwinsRequest;
import io.twinfront.v1.UpdateDigitalTwinRequest;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** Steps that are one of the things that the client does beside calls. */
final class ClientSteps {
    private final TwinfrontClient client;

    ClientSteps(TwinfrontClient client) {
        this.client = client;
    }

    JsonElement values(JsonObject step) {
        Map<String, Object> properties = new LinkedHashMap<>();
        step.getAsJsonObject("values").asMap().forEach((name, value) -> properties.put(name, Json.untagged(value)));
        client.digitalTwins()
                .createOrReplaceDigitalTwin(CreateOrReplaceDigitalTwinRequest.newBuilder()
                        .setDigitalTwinId(text(step, "digitalTwinId"))
                        .setDigitalTwin(DigitalTwin.newBuilder()
                                .setModelId(text(step, "modelId"))
                                .putAllProperties(Values.toValues(properties)))
                        .build());
        DigitalTwin twin = read(text(step, "digitalTwinId"));
        return Json.tagged(Values.fromValues(twin.getPropertiesMap()));
    }

    JsonElement patch(JsonObject step) {
        Patch patch = new Patch();
        for (JsonElement operation : step.getAsJsonArray("operations")) {
            JsonArray words = operation.getAsJsonArray();
            if (words.get(1) instanceof JsonArray names) {
                append(
                        patch,
                        words,
                        names.asList().stream().map(JsonElement::getAsString).toList());
            } else {
                append(patch, words, words.get(1).getAsString());
            }
        }
        return Json.ofMessage(client.digitalTwins().updateDigitalTwin(update(text(step, "digitalTwinId"), patch)));
    }

    private static void append(Patch patch, JsonArray words, String path) {
        switch (words.get(0).getAsString()) {
            case "add" -> patch.add(path, Json.untagged(words.get(2)));
            case "replace" -> patch.replace(path, Json.untagged(words.get(2)));
            case "remove" -> patch.remove(path);
            case "migrate" -> patch.migrate(path);
            case "sourceTime" ->
                patch.sourceTime(path, Instant.parse(words.get(2).getAsString()));
            default -> throw new IllegalArgumentException("there is no operation " + words.get(0));
        }
    }

    private static void append(Patch patch, JsonArray words, List<String> names) {
        switch (words.get(0).getAsString()) {
            case "add" -> patch.add(names, Json.untagged(words.get(2)));
            case "replace" -> patch.replace(names, Json.untagged(words.get(2)));
            case "remove" -> patch.remove(names);
            default -> throw new IllegalArgumentException("there is no operation with names " + words.get(0));
        }
    }

    JsonElement updateWithRetry(JsonObject step) {
        String id = text(step, "digitalTwinId");
        List<String> path = List.of(text(step, "property"));
        AtomicInteger invocations = new AtomicInteger();
        client.digitalTwins().updateWithRetry(id, step.get("attempts").getAsInt(), twin -> {
            long count = count(twin, step);
            if (invocations.incrementAndGet() <= step.get("interfere").getAsInt()) {
                client.digitalTwins().updateDigitalTwin(update(id, new Patch().replace(path, count + 10)));
            }
            return new Patch().replace(path, count + 1);
        });
        JsonObject response = new JsonObject();
        response.addProperty("invocations", invocations);
        response.addProperty("value", count(read(id), step));
        return response;
    }

    JsonElement batchWrite(JsonObject step) {
        BatchWriteDigitalTwinsRequest request = (BatchWriteDigitalTwinsRequest)
                Json.toMessage(step.get("request"), BatchWriteDigitalTwinsRequest.getDefaultInstance());
        JsonArray errors = new JsonArray();
        for (DigitalTwinWriteResult result :
                client.digitalTwins().batchWriteDigitalTwins(request).getResultsList()) {
            errors.add(TwinfrontException.fromStatus(result.getStatus())
                    .map(error -> (JsonElement) Described.into(new JsonObject(), error))
                    .orElse(JsonNull.INSTANCE));
        }
        JsonObject response = new JsonObject();
        response.add("errors", errors);
        return response;
    }

    JsonElement streamQuery(JsonObject step) {
        StreamQueryTwinsRequest request = StreamQueryTwinsRequest.newBuilder()
                .setQuery(text(step, "query"))
                .build();
        JsonObject response = new JsonObject();
        try (CloseableIterator<QueryRow> rows = client.queries().streamQuery(request)) {
            response.add(
                    "rows", Json.array(rows.stream().map(row -> Json.tagged(Values.fromValues(row.getFieldsMap())))));
        }
        return response;
    }

    JsonElement importGraph(JsonObject step) {
        ImportGraphRequest request =
                (ImportGraphRequest) Json.toMessage(step.get("request"), ImportGraphRequest.getDefaultInstance());
        JsonObject response = new JsonObject();
        try (CloseableIterator<ImportGraphResponse> reports =
                client.graphs().streamImport(request.getOptions(), request.getItemsList())) {
            reports.forEachRemaining(report -> {
                response.addProperty("acknowledged", report.getProgress().getAcknowledgedCount());
                response.addProperty("digitalTwins", report.getProgress().getDigitalTwinsImported());
            });
        }
        return response;
    }

    /** The code OK, or REFUSED if there is to be no such client. */
    String dial(JsonObject step) {
        JsonObject options = step.getAsJsonObject("options");
        TwinfrontClient.Builder builder = TwinfrontClient.builder(text(options, "address"));
        if (options.has("token")) {
            builder.token(() -> text(options, "token"));
        }
        if (options.has("insecure")) {
            builder.insecure();
        }
        if (options.has("tls")) {
            builder.tls(Tls.standard());
        }
        try {
            builder.build().close();
            return "OK";
        } catch (IllegalArgumentException e) {
            return "REFUSED";
        }
    }

    private DigitalTwin read(String id) {
        return client.digitalTwins()
                .getDigitalTwin(
                        GetDigitalTwinRequest.newBuilder().setDigitalTwinId(id).build())
                .getDigitalTwin();
    }

    private static UpdateDigitalTwinRequest update(String id, Patch patch) {
        return UpdateDigitalTwinRequest.newBuilder()
                .setDigitalTwinId(id)
                .addAllPatch(patch.operations())
                .build();
    }

    private static long count(DigitalTwin twin, JsonObject step) {
        return (long) Values.fromValue(twin.getPropertiesOrThrow(text(step, "property")));
    }

    private static String text(JsonObject step, String name) {
        return step.get(name).getAsString();
    }
}
