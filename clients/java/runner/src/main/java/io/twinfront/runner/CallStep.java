package io.twinfront.runner;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import io.twinfront.client.CloseableIterator;
import io.twinfront.client.Listing;
import io.twinfront.client.TwinfrontClient;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.Stream;

/** Steps that are a call of the contract by its name, {@code DigitalTwinService/GetDigitalTwin}. */
final class CallStep {
    private static final Map<String, Function<TwinfrontClient, AbstractStub<?>>> SERVICES = Map.of(
            "DigitalTwinService", TwinfrontClient::digitalTwins,
            "RelationshipService", TwinfrontClient::relationships,
            "ModelService", TwinfrontClient::models,
            "QueryService", TwinfrontClient::queries,
            "TelemetryService", TwinfrontClient::telemetry,
            "EventRouteService", TwinfrontClient::eventRoutes,
            "JobService", TwinfrontClient::jobs,
            "GraphService", TwinfrontClient::graphs,
            "ChangeService", TwinfrontClient::changes,
            "PermissionService", TwinfrontClient::permissions);

    private final TwinfrontClient client;

    CallStep(TwinfrontClient client) {
        this.client = client;
    }

    /** Makes the call, and adds to the line what came of it before it failed, if it does. */
    void execute(JsonObject step, JsonObject line) throws ReflectiveOperationException {
        AtomicReference<Metadata> trailers = new AtomicReference<>();
        AbstractStub<?> calls = calls(step)
                .withInterceptors(
                        MetadataUtils.newCaptureMetadataInterceptor(new AtomicReference<>(), trailers),
                        MetadataUtils.newAttachHeadersInterceptor(headers(step)));
        if (step.has("timeoutMs")) {
            calls = calls.withDeadlineAfter(step.get("timeoutMs").getAsLong(), TimeUnit.MILLISECONDS);
        }
        Context.CancellableContext context = Context.current().withCancellation();
        if (step.has("cancelAfterMs")) {
            CompletableFuture.delayedExecutor(step.get("cancelAfterMs").getAsLong(), TimeUnit.MILLISECONDS)
                    .execute(() -> context.cancel(null));
        }
        Context before = context.attach();
        try {
            call(calls, step, line);
        } finally {
            context.detachAndCancel(before, null);
            if (step.has("trailers")) {
                line.add("trailers", presence(step.getAsJsonArray("trailers"), trailers.get()));
            }
        }
    }

    /** Lists the ids of all items of all pages. */
    JsonObject listAll(JsonObject step) throws ReflectiveOperationException {
        AbstractStub<?> calls = calls(step);
        Method method = method(calls, step);
        Function<Message, Message> list = request -> {
            try {
                return (Message) invoke(calls, method, request);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        };
        Message request = Json.toMessage(step.get("request"), prototype(method.getParameterTypes()[0]));
        String id = step.get("id").getAsString();
        JsonObject response = new JsonObject();
        response.add("ids", new JsonArray());
        for (Message item : Listing.items(list, request, CallStep::items)) {
            response.getAsJsonArray("ids").add(Json.at(Json.ofMessage(item), id));
        }
        return response;
    }

    private static List<Message> items(Message page) {
        FieldDescriptor items = page.getDescriptorForType().getFields().stream()
                .filter(FieldDescriptor::isRepeated)
                .findFirst()
                .orElseThrow();
        return ((List<?>) page.getField(items))
                .stream().map(Message.class::cast).toList();
    }

    private AbstractStub<?> calls(JsonObject step) {
        return SERVICES.get(step.get("call").getAsString().split("/")[0]).apply(client);
    }

    private static Method method(AbstractStub<?> calls, JsonObject step) throws NoSuchMethodException {
        String name = step.get("call").getAsString().split("/")[1];
        return Stream.of(calls.getClass().getMethods())
                .filter(method -> method.getName().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> new NoSuchMethodException(name));
    }

    private static void call(AbstractStub<?> calls, JsonObject step, JsonObject line)
            throws ReflectiveOperationException {
        Method method = method(calls, step);
        Object request;
        if (method.getGenericParameterTypes()[0] instanceof ParameterizedType iterable) {
            Message prototype = prototype(iterable.getActualTypeArguments()[0]);
            request = step.getAsJsonArray("requests").asList().stream()
                    .map(one -> Json.toMessage(one, prototype))
                    .toList();
        } else {
            request = Json.toMessage(step.get("request"), prototype(method.getParameterTypes()[0]));
        }
        Object answer = invoke(calls, method, request);
        if (answer instanceof Message message) {
            line.add("response", Json.ofMessage(message));
            return;
        }
        JsonArray responses = new JsonArray();
        line.add("responses", responses);
        int take = step.has("take") ? step.get("take").getAsInt() : Integer.MAX_VALUE;
        try (CloseableIterator<?> messages = (CloseableIterator<?>) answer) {
            while (responses.size() < take && messages.hasNext()) {
                responses.add(Json.ofMessage((Message) messages.next()));
            }
        }
    }

    private static Object invoke(AbstractStub<?> calls, Method method, Object request)
            throws ReflectiveOperationException {
        try {
            return method.invoke(calls, request);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw e;
        }
    }

    private static Message prototype(Type type) throws ReflectiveOperationException {
        return (Message) ((Class<?>) type).getMethod("getDefaultInstance").invoke(null);
    }

    private static Metadata headers(JsonObject step) {
        Metadata headers = new Metadata();
        if (step.has("metadata")) {
            step.getAsJsonObject("metadata")
                    .asMap()
                    .forEach((name, value) -> headers.put(key(name), value.getAsString()));
        }
        return headers;
    }

    private static JsonObject presence(JsonArray names, Metadata trailers) {
        JsonObject presence = new JsonObject();
        for (JsonElement name : names) {
            String text = name.getAsString();
            presence.addProperty(text, trailers != null && trailers.containsKey(key(text)));
        }
        return presence;
    }

    private static Metadata.Key<String> key(String name) {
        return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
    }
}
