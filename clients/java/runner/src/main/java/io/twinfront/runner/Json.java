package io.twinfront.runner;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.TypeRegistry;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.QuotaFailure;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import io.twinfront.v1.EtagConflict;
import io.twinfront.v1.RelationshipsBlockingDelete;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Messages and values as JSON. */
final class Json {
    private static final TypeRegistry DETAILS = TypeRegistry.newBuilder()
            .add(List.of(
                    ErrorInfo.getDescriptor(),
                    BadRequest.getDescriptor(),
                    ResourceInfo.getDescriptor(),
                    RetryInfo.getDescriptor(),
                    PreconditionFailure.getDescriptor(),
                    QuotaFailure.getDescriptor(),
                    EtagConflict.getDescriptor(),
                    RelationshipsBlockingDelete.getDescriptor()))
            .build();
    private static final JsonFormat.Printer PRINTER = JsonFormat.printer().usingTypeRegistry(DETAILS);

    private Json() {}

    static JsonElement ofMessage(Message message) {
        try {
            return JsonParser.parseString(PRINTER.print(message));
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalArgumentException(e);
        }
    }

    static Message toMessage(JsonElement json, Message prototype) {
        Message.Builder builder = prototype.newBuilderForType();
        try {
            JsonFormat.parser().merge(json.toString(), builder);
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalArgumentException(e);
        }
        return builder.build();
    }

    static JsonArray array(Stream<? extends JsonElement> items) {
        JsonArray array = new JsonArray();
        items.forEach(array::add);
        return array;
    }

    static JsonObject object(Map<String, String> members) {
        JsonObject object = new JsonObject();
        members.forEach(object::addProperty);
        return object;
    }

    /** The text at a path such as {@code relationships.0.id}. */
    static String at(JsonElement value, String path) {
        JsonElement found = value;
        for (String name : path.split("\\.")) {
            found = found.isJsonArray()
                    ? found.getAsJsonArray().get(Integer.parseInt(name))
                    : found.getAsJsonObject().get(name);
            if (found == null) {
                throw new IllegalArgumentException("there is no " + path + " in " + value);
            }
        }
        return found.getAsString();
    }

    /** Java's value for JSON in which numbers are tagged: {@code {"$int": "1"}}, {@code {"$double": "1.5"}}. */
    static Object untagged(JsonElement value) {
        if (value instanceof JsonObject object) {
            if (object.has("$int")) {
                return Long.valueOf(object.get("$int").getAsString());
            }
            if (object.has("$double")) {
                return Double.valueOf(object.get("$double").getAsString());
            }
            Map<String, Object> members = new LinkedHashMap<>();
            object.asMap().forEach((name, member) -> members.put(name, untagged(member)));
            return members;
        }
        if (value instanceof JsonArray array) {
            return array.asList().stream().map(Json::untagged).toList();
        }
        if (value instanceof JsonPrimitive primitive) {
            return primitive.isBoolean() ? (Object) primitive.getAsBoolean() : primitive.getAsString();
        }
        return null;
    }

    static JsonElement tagged(Object value) {
        if (value instanceof Long number) {
            return object(Map.of("$int", number.toString()));
        }
        if (value instanceof Double number) {
            return object(Map.of("$double", number.toString()));
        }
        if (value instanceof Map<?, ?> members) {
            JsonObject object = new JsonObject();
            members.forEach((name, member) -> object.add((String) name, tagged(member)));
            return object;
        }
        if (value instanceof List<?> items) {
            return array(items.stream().map(Json::tagged));
        }
        if (value instanceof Boolean bool) {
            return new JsonPrimitive(bool);
        }
        return value == null ? JsonNull.INSTANCE : new JsonPrimitive((String) value);
    }
}
