package io.twinfront.client;

import com.google.protobuf.NullValue;
import io.twinfront.v1.ListValue;
import io.twinfront.v1.ObjectValue;
import io.twinfront.v1.Value;
import java.lang.reflect.Array;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** Property values as plain Java values, and the other way round. */
public final class Values {
    // Protobuf reads 100 messages in one another, and a value is in some of the request's. A list is one in a value, an
    // object
    // one in a value with an entry in it.
    private static final int MAX_LEVELS = 96;
    private static final int LIST_LEVELS = 2;
    private static final int OBJECT_LEVELS = 3;

    private Values() {}

    /**
     * Makes a Java value one that travels. It takes null, {@code Boolean}, all integers, {@code Float} and {@code Double},
     * {@code String}, collections, arrays, maps with strings as keys, and a {@link Value}, which stays as it is. Integers
     * stay integers: {@code 1} is an {@code int_value} and {@code 1.0} a {@code double_value}.
     *
     * @param value the value, or null for JSON's null
     * @return the value as it travels
     * @throws ValueException for NaN, the infinities, integers beyond 64 bits with sign, text that is not Unicode, what is
     *     nested too deeply to travel (in more than 48 lists or 32 objects), and other types
     */
    public static Value toValue(Object value) {
        return convert(value, "", 0);
    }

    /**
     * Does what {@link #toValue} does for the properties of a twin, component or relationship.
     *
     * @param properties the properties by name
     * @return the properties as they travel
     * @throws ValueException as with {@link #toValue}; its path starts with the property's name
     */
    public static Map<String, Value> toValues(Map<String, ?> properties) {
        return convertMembers(properties, "", 0);
    }

    /**
     * Gives the Java value that a value of the service stands for.
     *
     * @param value the value as it travels
     * @return null, {@code Boolean}, {@code Long}, {@code Double}, {@code String}, {@code List<Object>} or
     *     {@code Map<String, Object>}; lists and maps are the caller's own
     */
    public static Object fromValue(Value value) {
        return switch (value.getKindCase()) {
            case NULL_VALUE, KIND_NOT_SET -> null;
            case BOOL_VALUE -> value.getBoolValue();
            case INT_VALUE -> value.getIntValue();
            case DOUBLE_VALUE -> value.getDoubleValue();
            case STRING_VALUE -> value.getStringValue();
            case LIST_VALUE -> {
                List<Object> list = new ArrayList<>(value.getListValue().getValuesCount());
                value.getListValue().getValuesList().forEach(item -> list.add(fromValue(item)));
                yield list;
            }
            case OBJECT_VALUE -> fromValues(value.getObjectValue().getFieldsMap());
        };
    }

    /**
     * Does what {@link #fromValue} does for properties, and for the columns of a query's row.
     *
     * @param values the values as they travel
     * @return the Java values by name
     */
    public static Map<String, Object> fromValues(Map<String, Value> values) {
        Map<String, Object> properties = new LinkedHashMap<>();
        values.forEach((name, value) -> properties.put(name, fromValue(value)));
        return properties;
    }

    /**
     * Reads a value as a double, whether it travels as an integer or a double: a property that the model says is a double comes as an
     * integer if it was written as one, and {@code getDoubleValue} is 0 then.
     *
     * @param value the value as it travels
     * @return the number; empty for a value that is no number
     */
    public static OptionalDouble asDouble(Value value) {
        return switch (value.getKindCase()) {
            case INT_VALUE -> OptionalDouble.of(value.getIntValue());
            case DOUBLE_VALUE -> OptionalDouble.of(value.getDoubleValue());
            default -> OptionalDouble.empty();
        };
    }

    private static Value convert(Object value, String path, int levels) {
        if (levels > MAX_LEVELS) {
            throw new ValueException(path, "is nested too deeply, or contains itself");
        }
        if (value == null) {
            return Value.newBuilder().setNullValue(NullValue.NULL_VALUE).build();
        }
        if (value instanceof Value travelling) {
            return travelling;
        }
        if (value instanceof Boolean bool) {
            return Value.newBuilder().setBoolValue(bool).build();
        }
        if (value instanceof Number number) {
            return convertNumber(number, path);
        }
        if (value instanceof String text) {
            if (!isUnicode(text)) {
                throw new ValueException(path, "has half a surrogate pair in it, which is not Unicode");
            }
            return Value.newBuilder().setStringValue(text).build();
        }
        if (value instanceof Map<?, ?> members) {
            ObjectValue object = ObjectValue.newBuilder()
                    .putAllFields(convertMembers(members, path, levels + OBJECT_LEVELS))
                    .build();
            return Value.newBuilder().setObjectValue(object).build();
        }
        if (value instanceof Collection<?> items) {
            return convertItems(items, path, levels + LIST_LEVELS);
        }
        if (value.getClass().isArray()) {
            List<Object> items = new ArrayList<>();
            for (int i = 0; i < Array.getLength(value); i++) {
                items.add(Array.get(value, i));
            }
            return convertItems(items, path, levels + LIST_LEVELS);
        }
        throw notJson(value, path);
    }

    private static Value convertNumber(Number number, String path) {
        if (number instanceof Long || number instanceof Integer || number instanceof Short || number instanceof Byte) {
            return Value.newBuilder().setIntValue(number.longValue()).build();
        }
        if (number instanceof BigInteger integer) {
            if (integer.bitLength() >= Long.SIZE) {
                throw new ValueException(path, "is " + integer + ", beyond the 64 bits of a DTDL long");
            }
            return Value.newBuilder().setIntValue(integer.longValue()).build();
        }
        if (number instanceof Double || number instanceof Float) {
            if (!Double.isFinite(number.doubleValue())) {
                throw new ValueException(path, "is " + number + ", which JSON has no form for");
            }
            return Value.newBuilder().setDoubleValue(number.doubleValue()).build();
        }
        throw notJson(number, path);
    }

    private static Value convertItems(Collection<?> items, String path, int levels) {
        ListValue.Builder list = ListValue.newBuilder();
        for (Object item : items) {
            list.addValues(convert(item, path + "/" + list.getValuesCount(), levels));
        }
        return Value.newBuilder().setListValue(list).build();
    }

    private static Map<String, Value> convertMembers(Map<?, ?> members, String path, int levels) {
        Map<String, Value> fields = new LinkedHashMap<>();
        members.forEach((key, member) -> {
            if (!(key instanceof String name) || !isUnicode(name)) {
                throw new ValueException(path, "has a name that is not Unicode text");
            }
            fields.put(name, convert(member, path + Patch.pointer(name), levels));
        });
        return fields;
    }

    private static boolean isUnicode(String text) {
        return StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    private static ValueException notJson(Object value, String path) {
        return new ValueException(path, "is a " + value.getClass().getName() + ", which is no JSON value");
    }
}
