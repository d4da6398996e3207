package io.twinfront.runner;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.twinfront.client.Resource;
import io.twinfront.client.TwinCache;
import io.twinfront.client.TwinfrontClient;
import io.twinfront.client.Values;
import io.twinfront.client.Watch;
import io.twinfront.client.WatchItem;
import io.twinfront.v1.Change;
import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.JsonPatchOperation;
import io.twinfront.v1.Relationship;
import io.twinfront.v1.WatchRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Steps that follow the graph. */
final class WatchSteps {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final TwinfrontClient client;

    WatchSteps(TwinfrontClient client) {
        this.client = client;
    }

    JsonElement watch(JsonObject step) {
        WatchRequest request = (WatchRequest) Json.toMessage(step.get("request"), WatchRequest.getDefaultInstance());
        JsonArray items = new JsonArray();
        JsonObject response = new JsonObject();
        try (Watch watch = client.changes().streamChanges(request)) {
            do {
                WatchItem item = watch.next();
                if (!(item instanceof WatchItem.Checkpoint)) {
                    items.add(described(item));
                }
            } while (items.size() < step.get("take").getAsInt());
            response.addProperty("resumeToken", watch.resumeToken());
        }
        response.add("items", items);
        return response;
    }

    JsonElement cache(JsonObject step) {
        Told told = new Told();
        TwinCache.Builder builder = builder(step.getAsJsonObject("cache"))
                .added(after -> told.add("+" + name(after)))
                .changed((before, after) -> told.add(name(after) + " " + count(before) + ">" + count(after)))
                .removed(before -> told.add("-" + name(before)));
        TwinCache cache = builder.start();
        try {
            cache.synced(PATIENCE);
            told.await(step.has("told") ? step.get("told").getAsInt() : 0);
        } finally {
            cache.close();
        }
        Stream<Relationship> relationships =
                cache.list().stream().flatMap(twin -> cache.relationships(twin.getId()).stream());
        JsonObject response = new JsonObject();
        response.add("told", Json.array(told.lines().stream().map(JsonPrimitive::new)));
        response.add("ids", ids(cache.list()));
        response.add("relationships", Json.array(relationships.map(one -> new JsonPrimitive(one.getId()))));
        response.addProperty("saved", Base64.getEncoder().encodeToString(cache.save()));
        if (step.has("model")) {
            response.add("ofModel", ids(cache.listByModel(step.get("model").getAsString())));
        }
        if (step.has("find")) {
            JsonArray find = step.getAsJsonArray("find");
            long value = find.get(1).getAsLong();
            response.add("found", ids(cache.find(find.get(0).getAsString(), value)));
        }
        return response;
    }

    private TwinCache.Builder builder(JsonObject wanted) {
        TwinCache.Builder builder = TwinCache.builder(client)
                .digitalTwinIds(texts(wanted, "digitalTwinIds"))
                .digitalTwinIdPrefixes(texts(wanted, "digitalTwinIdPrefixes"))
                .modelIds(texts(wanted, "modelIds"))
                .relationshipNames(texts(wanted, "relationshipNames"))
                .indexed(texts(wanted, "indexed"));
        if (wanted.has("relationships") && wanted.get("relationships").getAsBoolean()) {
            builder.relationships();
        }
        if (wanted.has("saved")) {
            builder.saved(Base64.getDecoder().decode(wanted.get("saved").getAsString()));
        }
        return builder;
    }

    private static String[] texts(JsonObject wanted, String name) {
        return wanted.has(name)
                ? wanted.getAsJsonArray(name).asList().stream()
                        .map(JsonElement::getAsString)
                        .toArray(String[]::new)
                : new String[0];
    }

    private static JsonArray ids(List<DigitalTwin> twins) {
        return Json.array(twins.stream().map(twin -> new JsonPrimitive(twin.getId())));
    }

    /** The id of a twin, and of a relationship both. */
    private static String name(Resource resource) {
        return resource.relationship()
                .map(one -> one.getSourceId() + "/" + one.getId())
                .orElseGet(resource::id);
    }

    private static long count(Resource resource) {
        return resource.digitalTwin()
                .map(twin -> twin.getPropertiesOrThrow("n").getIntValue())
                .orElse(0L);
    }

    private static JsonObject described(WatchItem item) {
        JsonObject described = new JsonObject();
        if (item instanceof WatchItem.Change told) {
            Change change = told.change();
            described.addProperty("item", "change");
            described.addProperty("kind", change.getKind().name());
            addText(described, "digitalTwinId", change.getDigitalTwinId());
            addText(described, "relationshipId", change.getRelationshipId());
            addText(described, "modelId", change.getModelId());
            if (change.getPatchCount() > 0) {
                described.add("patch", Json.array(change.getPatchList().stream().map(WatchSteps::operation)));
            }
            if (change.hasDigitalTwin()) {
                add(described, change.getDigitalTwin());
            }
            if (change.hasRelationship()) {
                add(described, change.getRelationship());
            }
        } else if (item instanceof WatchItem.InitialItem initial) {
            described.addProperty("item", "initialItem");
            initial.resource().digitalTwin().ifPresent(twin -> add(described, twin));
            initial.resource().relationship().ifPresent(one -> add(described, one));
        } else if (item instanceof WatchItem.InitialStateEnd) {
            described.addProperty("item", "initialStateEnd");
        } else if (item instanceof WatchItem.Reset reset) {
            described.addProperty("item", "reset");
            described.addProperty("reason", reset.reason().name());
            addText(described, "jobId", reset.jobId());
        }
        return described;
    }

    private static JsonArray operation(JsonPatchOperation operation) {
        JsonArray words = new JsonArray();
        words.add(operation.getOp().name().replace("OP_", "").toLowerCase(Locale.ROOT));
        words.add(operation.getPath());
        words.add(operation.hasValue() ? Json.tagged(Values.fromValue(operation.getValue())) : JsonNull.INSTANCE);
        return words;
    }

    private static void add(JsonObject described, DigitalTwin twin) {
        JsonObject shown = new JsonObject();
        shown.addProperty("id", twin.getId());
        shown.add("properties", Json.tagged(Values.fromValues(twin.getPropertiesMap())));
        described.add("digitalTwin", shown);
    }

    private static void add(JsonObject described, Relationship relationship) {
        JsonObject shown = new JsonObject();
        shown.addProperty("id", relationship.getId());
        shown.addProperty("targetId", relationship.getTargetId());
        described.add("relationship", shown);
    }

    private static void addText(JsonObject described, String name, String text) {
        if (!text.isEmpty()) {
            described.addProperty(name, text);
        }
    }

    /** What a cache tells its callbacks. */
    private static final class Told {
        private final List<String> lines = new ArrayList<>();

        synchronized void add(String line) {
            lines.add(line);
            notifyAll();
        }

        synchronized List<String> lines() {
            return List.copyOf(lines);
        }

        synchronized void await(int count) {
            long end = System.nanoTime() + PATIENCE.toNanos();
            try {
                while (lines.size() < count) {
                    long left = (end - System.nanoTime()) / 1_000_000;
                    if (left <= 0) {
                        throw new IllegalStateException("no more was told than " + lines);
                    }
                    wait(left);
                }
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
