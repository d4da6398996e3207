package io.twinfront.client;

import io.twinfront.v1.Component;
import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.Value;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What values of digital twins are found by: equal ones have it in common. 20 and 20.0 are one, 1 and true are two. */
final class IndexKeys {
    private static final double BEYOND = 0x1p63;

    private IndexKeys() {}

    /** Gives the key of a value. */
    static Optional<Object> of(Value value) {
        // Null is a value like others; an Optional has no room for it.
        return Optional.of(Optional.ofNullable(alike(Values.fromValue(value))));
    }

    /** Gives the key of the value that a JSON Pointer leads to; empty if there is none. */
    static Optional<Object> at(DigitalTwin twin, String pointer) {
        List<String> names = Arrays.stream(pointer.split("/", -1))
                .skip(1)
                .map(name -> name.replace("~1", "/").replace("~0", "~"))
                .toList();
        if (names.isEmpty()) {
            return Optional.empty();
        }
        Component component = twin.getComponentsMap().get(names.get(0));
        if (component == null) {
            return within(twin.getPropertiesMap(), names);
        }
        return names.size() == 1
                ? of(Values.toValue(component.getPropertiesMap()))
                : within(component.getPropertiesMap(), names.subList(1, names.size()));
    }

    private static Optional<Object> within(Map<String, Value> fields, List<String> names) {
        Value value = null;
        Map<String, Value> place = fields;
        for (String name : names) {
            value = place.get(name);
            if (value == null) {
                return Optional.empty();
            }
            place = value.getObjectValue().getFieldsMap();
        }
        return of(value);
    }

    private static Object alike(Object value) {
        if (value instanceof Double number && number == Math.rint(number) && number >= -BEYOND && number < BEYOND) {
            return number.longValue();
        }
        if (value instanceof List<?> items) {
            return items.stream().map(item -> Optional.ofNullable(alike(item))).toList();
        }
        if (value instanceof Map<?, ?> members) {
            Map<Object, Object> alike = new HashMap<>();
            members.forEach((name, member) -> alike.put(name, alike(member)));
            return alike;
        }
        return value;
    }
}
