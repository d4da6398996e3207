package io.twinfront.client;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.twinfront.v1.Model;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * Keeps the models that each model extends, directly or not, with itself among them.
 *
 * <p>Models never change, but one can be deleted, and another one be made in its place.
 */
final class Lineage {
    private final Map<String, Set<String>> ancestors = new ConcurrentHashMap<>();
    private final Set<String> known = new HashSet<>(); // to the one thread that learns

    /** Notes that all models may be others by now; what was known is kept until it is learnt anew. */
    void mayBeOthers() {
        known.clear();
    }

    /** Picks the models that nothing is known of yet, or that may be others by now. */
    List<String> unknown(Collection<String> modelIds) {
        Set<String> unknown = new TreeSet<>(modelIds);
        unknown.remove("");
        unknown.removeAll(known);
        return List.copyOf(unknown);
    }

    /**
     * Notes what models extend.
     *
     * @param wanted models that were asked for; one that is not there any more has nobody but itself
     * @param models the definitions of them and of all that they depend on
     */
    void learn(List<String> wanted, List<Model> models) {
        Map<String, Set<String>> bases = new HashMap<>();
        models.forEach(model -> bases.put(model.getId(), basesOf(model.getDtdlModel())));
        Stream.concat(wanted.stream(), bases.keySet().stream()).forEach(id -> {
            ancestors.put(id, reached(id, bases));
            known.add(id);
        });
    }

    private static Set<String> reached(String modelId, Map<String, Set<String>> bases) {
        Set<String> found = new HashSet<>(Set.of(modelId));
        Deque<String> open = new ArrayDeque<>(found);
        while (!open.isEmpty()) {
            bases.getOrDefault(open.pop(), Set.of()).stream().filter(found::add).forEach(open::push);
        }
        return found;
    }

    /** Tells whether a model is another one, or extends it. */
    boolean descends(String modelId, String ancestor) {
        return ancestors.getOrDefault(modelId, Set.of(modelId)).contains(ancestor);
    }

    /** Reads the ids of the models that an interface extends: one, several, or interfaces in place. */
    private static Set<String> basesOf(String definition) {
        Set<String> bases = new HashSet<>();
        try {
            JsonElement parsed = JsonParser.parseString(definition);
            JsonElement extended = parsed instanceof JsonObject model ? model.get("extends") : null;
            Iterable<JsonElement> each = extended instanceof JsonArray several ? several : singleton(extended);
            for (JsonElement base : each) {
                JsonElement id = base instanceof JsonObject inPlace ? inPlace.get("@id") : base;
                if (id != null && id.isJsonPrimitive()) {
                    bases.add(id.getAsString());
                }
            }
        } catch (JsonParseException e) {
            return Set.of(); // no definition came
        }
        return bases;
    }

    private static List<JsonElement> singleton(JsonElement element) {
        return element == null ? List.of() : List.of(element);
    }
}
