package io.twinfront.runner;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.twinfront.client.TwinfrontClient;
import io.twinfront.client.errors.TwinfrontException;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One scenario, and what its steps have saved. */
final class Scene {
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{(\\w+)}");

    private final CallStep calls;
    private final ClientSteps steps;
    private final WatchSteps watches;
    private final Map<String, String> saved = new HashMap<>();

    Scene(TwinfrontClient client) {
        this.calls = new CallStep(client);
        this.steps = new ClientSteps(client);
        this.watches = new WatchSteps(client);
    }

    /** Executes a step, and gives what is to be printed of it. */
    JsonObject line(JsonElement raw) {
        try {
            JsonObject step = filledIn(raw).getAsJsonObject();
            JsonObject line = new JsonObject();
            line.addProperty("code", "OK");
            try {
                execute(step, line);
            } catch (TwinfrontException e) {
                Described.into(line, e);
            }
            if (step.has("save")) {
                step.getAsJsonObject("save")
                        .asMap()
                        .forEach((name, path) -> saved.put(name, at(line, path.getAsString())));
            }
            return line;
        } catch (RuntimeException | ReflectiveOperationException e) {
            // Whatever is wrong with the step, the others go on.
            JsonObject line = new JsonObject();
            line.addProperty("code", "RUNNER_ERROR");
            line.addProperty("message", e.toString());
            return line;
        }
    }

    private void execute(JsonObject step, JsonObject line) throws ReflectiveOperationException {
        if (!step.has("do")) {
            calls.execute(step, line);
            return;
        }
        switch (step.get("do").getAsString()) {
            case "values" -> line.add("response", steps.values(step));
            case "patch" -> line.add("response", steps.patch(step));
            case "updateWithRetry" -> line.add("response", steps.updateWithRetry(step));
            case "listAll" -> line.add("response", calls.listAll(step));
            case "batchWrite" -> line.add("response", steps.batchWrite(step));
            case "streamQuery" -> line.add("response", steps.streamQuery(step));
            case "importGraph" -> line.add("response", steps.importGraph(step));
            case "watch" -> line.add("response", watches.watch(step));
            case "cache" -> line.add("response", watches.cache(step));
            case "dial" -> line.addProperty("code", steps.dial(step));
            default -> throw new IllegalArgumentException("there is no step " + step.get("do"));
        }
    }

    private JsonElement filledIn(JsonElement value) {
        if (value instanceof JsonObject object) {
            JsonObject filled = new JsonObject();
            object.asMap().forEach((name, member) -> filled.add(name, filledIn(member)));
            return filled;
        }
        if (value.isJsonArray()) {
            return Json.array(value.getAsJsonArray().asList().stream().map(this::filledIn));
        }
        if (value instanceof JsonPrimitive primitive && primitive.isString()) {
            return new JsonPrimitive(VARIABLE.matcher(value.getAsString()).replaceAll(found -> {
                if (!saved.containsKey(found.group(1))) {
                    throw new IllegalArgumentException("nothing was saved as " + found.group());
                }
                return Matcher.quoteReplacement(saved.get(found.group(1)));
            }));
        }
        return value;
    }

    private static String at(JsonObject line, String path) {
        JsonElement start = line.has("response") && !path.startsWith("error.") ? line.get("response") : line;
        return Json.at(start, path);
    }
}
