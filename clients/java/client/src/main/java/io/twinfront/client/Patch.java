package io.twinfront.client;

import io.twinfront.v1.JsonPatchOperation;
import io.twinfront.v1.JsonPatchOperation.Op;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A JSON Patch document (RFC 6902) in the making:
 *
 * <pre>{@code
 * request.addAllPatch(new Patch().replace("/temperature", 22.5).remove("/comment").operations())
 * }</pre>
 *
 * <p>A path is a JSON Pointer, or a list of names as they are: {@code List.of("labels", "a/b")} is {@code /labels/a~1b}.
 * Values are those that {@link Values#toValue} takes, and refused as it refuses them. The service applies all operations or
 * none.
 */
public final class Patch {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSS'Z'").withZone(ZoneOffset.UTC);

    private final List<JsonPatchOperation> operations = new ArrayList<>();

    /** Makes an empty patch to add to. */
    public Patch() {}

    /**
     * Makes a JSON Pointer of names as they are: {@code pointer("a/b", "c")} is {@code /a~1b/c}.
     *
     * @param names the names from the outside to the inside
     * @return the pointer; empty for no names
     */
    public static String pointer(String... names) {
        return pointer(Arrays.asList(names));
    }

    private static String pointer(List<String> names) {
        StringBuilder pointer = new StringBuilder();
        for (String name : names) {
            pointer.append('/').append(name.replace("~", "~0").replace("/", "~1"));
        }
        return pointer.toString();
    }

    /**
     * Sets a value, whether or not there was one; each object on the way to it has to exist.
     *
     * @param path a JSON Pointer
     * @param value the value
     * @return this
     */
    public Patch add(String path, Object value) {
        return set(Op.OP_ADD, path, value);
    }

    /**
     * Sets a value, whether or not there was one; each object on the way to it has to exist.
     *
     * @param names the path
     * @param value the value
     * @return this
     */
    public Patch add(List<String> names, Object value) {
        return add(pointer(names), value);
    }

    /**
     * Replaces a value that exists.
     *
     * @param path a JSON Pointer
     * @param value the value
     * @return this
     */
    public Patch replace(String path, Object value) {
        return set(Op.OP_REPLACE, path, value);
    }

    /**
     * Replaces a value that exists.
     *
     * @param names the path
     * @param value the value
     * @return this
     */
    public Patch replace(List<String> names, Object value) {
        return replace(pointer(names), value);
    }

    /**
     * Removes a value that exists.
     *
     * @param path a JSON Pointer
     * @return this
     */
    public Patch remove(String path) {
        return append(operation(Op.OP_REMOVE, path));
    }

    /**
     * Removes a value that exists.
     *
     * @param names the path
     * @return this
     */
    public Patch remove(List<String> names) {
        return remove(pointer(names));
    }

    /**
     * Makes the twin one of another model, of which it has to be valid after the whole patch.
     *
     * @param modelId the other model
     * @return this
     */
    public Patch migrate(String modelId) {
        return replace("/$metadata/$model", modelId);
    }

    /**
     * Records when a property's value was observed in the real world.
     *
     * @param property the property's name
     * @param when the time, of which 100 ns are kept
     * @return this
     */
    public Patch sourceTime(String property, Instant when) {
        return replace(pointer("$metadata", property, "sourceTime"), TIME.format(when));
    }

    /**
     * Records when the value of a component's property was observed in the real world, when a twin is patched.
     *
     * @param property the property's name
     * @param when the time, of which 100 ns are kept
     * @param component the component's name
     * @return this
     */
    public Patch sourceTime(String property, Instant when, String component) {
        return replace(pointer(component, "$metadata", property, "sourceTime"), TIME.format(when));
    }

    /** {@return the operations so far, for the field {@code patch} of a request} */
    public List<JsonPatchOperation> operations() {
        return List.copyOf(operations);
    }

    private Patch set(Op op, String path, Object value) {
        return append(operation(op, path).setValue(Values.toValue(value)));
    }

    private Patch append(JsonPatchOperation.Builder operation) {
        operations.add(operation.build());
        return this;
    }

    private static JsonPatchOperation.Builder operation(Op op, String path) {
        if (!path.startsWith("/")) {
            throw new IllegalArgumentException("a path starts with '/': '/" + path + "'");
        }
        return JsonPatchOperation.newBuilder().setOp(op).setPath(path);
    }
}
