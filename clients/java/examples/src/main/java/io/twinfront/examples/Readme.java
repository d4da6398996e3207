package io.twinfront.examples;

import static java.util.Map.entry;

import com.google.common.util.concurrent.ListenableFuture;
import io.twinfront.client.CloseableIterator;
import io.twinfront.client.Listing;
import io.twinfront.client.Patch;
import io.twinfront.client.Tls;
import io.twinfront.client.TwinCache;
import io.twinfront.client.TwinfrontClient;
import io.twinfront.client.Values;
import io.twinfront.client.Watch;
import io.twinfront.client.WatchItem;
import io.twinfront.client.errors.AlreadyExistsException;
import io.twinfront.client.errors.EtagMismatchException;
import io.twinfront.client.errors.InvalidArgumentException;
import io.twinfront.client.errors.NotFoundException;
import io.twinfront.client.errors.ThrottledException;
import io.twinfront.client.errors.TwinHasRelationshipsException;
import io.twinfront.client.errors.TwinNotFoundException;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.v1.BatchWriteDigitalTwinsRequest;
import io.twinfront.v1.ChangeFilter;
import io.twinfront.v1.CheckPermissionsRequest;
import io.twinfront.v1.CreateModelsRequest;
import io.twinfront.v1.CreateOrReplaceDigitalTwinRequest;
import io.twinfront.v1.CreateOrReplaceRelationshipRequest;
import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.DigitalTwinServiceGrpc;
import io.twinfront.v1.DigitalTwinServiceGrpc.DigitalTwinServiceFutureStub;
import io.twinfront.v1.DigitalTwinWrite;
import io.twinfront.v1.DigitalTwinWriteResult;
import io.twinfront.v1.ExportFormat;
import io.twinfront.v1.ExportGraphRequest;
import io.twinfront.v1.ExportGraphResponse;
import io.twinfront.v1.GetChangeLogRequest;
import io.twinfront.v1.GetDigitalTwinRequest;
import io.twinfront.v1.GetDigitalTwinResponse;
import io.twinfront.v1.GraphItem;
import io.twinfront.v1.ImportGraphResponse;
import io.twinfront.v1.ImportOptions;
import io.twinfront.v1.ImportResult;
import io.twinfront.v1.JsonPatchOperation;
import io.twinfront.v1.ListRelationshipsRequest;
import io.twinfront.v1.ListRelationshipsResponse;
import io.twinfront.v1.PermissionCheck;
import io.twinfront.v1.QueryRow;
import io.twinfront.v1.Relationship;
import io.twinfront.v1.StreamQueryTwinsRequest;
import io.twinfront.v1.UpdateDigitalTwinRequest;
import io.twinfront.v1.Value;
import io.twinfront.v1.WatchRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Runs the code blocks of the client's README.
 *
 * <p>It needs a server: {@code TWINFRONT_ADDRESS}, or localhost:50051. With a {@code TWINFRONT_TOKEN} it connects over TLS,
 * with ca.pem, client.pem and client-key.pem in the working folder.
 */
public final class Readme {
    private static final String ROOM = """
            {
              "@context": "dtmi:dtdl:context;3",
              "@id": "dtmi:example:readme:Room;1",
              "@type": "Interface",
              "contents": [
                {"@type": "Property", "name": "temperature", "schema": "double"},
                {"@type": "Property", "name": "visits", "schema": "long"},
                {"@type": "Property", "name": "labels", "schema": {
                  "@type": "Map",
                  "mapKey": {"name": "key", "schema": "string"},
                  "mapValue": {"name": "value", "schema": "string"}
                }},
                {"@type": "Relationship", "name": "leadsTo"}
              ]
            }
            """;

    private final TwinfrontClient client;

    private Readme(TwinfrontClient client) {
        this.client = client;
    }

    /**
     * Runs the example.
     *
     * @param arguments none
     * @throws InterruptedException if the thread is interrupted
     * @throws IOException if the export cannot be written
     */
    public static void main(String[] arguments) throws InterruptedException, IOException {
        String address = System.getenv().getOrDefault("TWINFRONT_ADDRESS", "localhost:50051");
        String token = System.getenv("TWINFRONT_TOKEN");
        try (TwinfrontClient client = token == null ? TwinfrontClient.create(address) : dial(address, () -> token)) {
            Readme readme = new Readme(client);
            readme.furnish();
            System.out.println(readme.warmUp());
            System.out.println(readme.advice(UpdateDigitalTwinRequest.newBuilder()
                    .setDigitalTwinId("java-hall")
                    .setIfMatch("W/\"stale\"")
                    .build()));
            System.out.println(readme.isThere("java-nowhere"));
            System.out.println(readme.readWithin("java-hall", 5).getId());
            readme.list();
            readme.query();
            readme.imports();
            String before = readme.newestToken();
            readme.count();
            System.out.println("gone on behind: " + !readme.changeBehind(before).isEmpty());
            readme.cache();
            readme.batch();
            System.out.println("may write: " + readme.mayWrite("java-hall"));
            ByteArrayOutputStream file = new ByteArrayOutputStream();
            readme.export(file);
            System.out.println("exported: " + (file.size() > 0));
        }
        dialAll().close();
    }

    private static TwinfrontClient dialAll() {
        return TwinfrontClient.create("ipv4:127.0.0.1:50051,127.0.0.1:50052,127.0.0.1:50053");
    }

    private static TwinfrontClient dial(String target, Supplier<String> token) {
        return TwinfrontClient.builder(target)
                .tls(Tls.standard().ca(Path.of("ca.pem")).certificate(Path.of("client.pem"), Path.of("client-key.pem")))
                .token(token)
                .build();
    }

    private void furnish() {
        try {
            client.models()
                    .createModels(
                            CreateModelsRequest.newBuilder().addDtdlModels(ROOM).build());
        } catch (AlreadyExistsException e) {
            // It is there from the last run; models are immutable.
        }
        Map<String, Value> properties = Values.toValues(Map.ofEntries(
                entry("temperature", 20.5), // a double
                entry("visits", 1), // an integer
                entry("labels", Map.of("door", "green"))));
        DigitalTwin twin = DigitalTwin.newBuilder()
                .setModelId("dtmi:example:readme:Room;1")
                .putAllProperties(properties)
                .build();
        for (String id : List.of("java-hall", "java-study")) {
            client.digitalTwins()
                    .createOrReplaceDigitalTwin(CreateOrReplaceDigitalTwinRequest.newBuilder()
                            .setDigitalTwinId(id)
                            .setDigitalTwin(twin)
                            .build());
        }
        client.relationships()
                .createOrReplaceRelationship(CreateOrReplaceRelationshipRequest.newBuilder()
                        .setDigitalTwinId("java-hall")
                        .setRelationshipId("door")
                        .setRelationship(
                                Relationship.newBuilder().setName("leadsTo").setTargetId("java-study"))
                        .build());
    }

    private String warmUp() {
        List<JsonPatchOperation> operations = new Patch()
                .replace("/temperature", 21.5)
                .add(List.of("labels", "a/b"), "names may have slashes")
                .sourceTime("temperature", Instant.now())
                .operations();
        return advice(UpdateDigitalTwinRequest.newBuilder()
                .setDigitalTwinId("java-hall")
                .addAllPatch(operations)
                .build());
    }

    private String advice(UpdateDigitalTwinRequest request) {
        try {
            client.digitalTwins().updateDigitalTwin(request);
            return "all is well";
        } catch (EtagMismatchException mismatch) {
            return "somebody was faster; the current etag is " + mismatch.getCurrentEtag();
        } catch (TwinHasRelationshipsException blocked) {
            return blocked.getIncomingTotal() + " relationships point to it";
        } catch (InvalidArgumentException invalid) {
            return "wrong fields: " + invalid.getFieldViolations();
        } catch (ThrottledException throttled) {
            return "try again after " + throttled.getRetryAfter();
        } catch (NotFoundException e) { // a twin, a model, a component
            return "there is no such thing";
        } catch (TwinfrontException other) {
            return other.getReason() + "; the server's log has it as " + other.getCallId();
        }
    }

    private boolean isThere(String id) throws InterruptedException {
        DigitalTwinServiceFutureStub stub = DigitalTwinServiceGrpc.newFutureStub(client.channel());
        ListenableFuture<GetDigitalTwinResponse> future = stub.getDigitalTwin(
                GetDigitalTwinRequest.newBuilder().setDigitalTwinId(id).build());
        try {
            return future.get().hasDigitalTwin();
        } catch (ExecutionException e) {
            if (TwinfrontException.from(e) instanceof TwinNotFoundException) {
                return false;
            }
            throw TwinfrontException.from(e);
        }
    }

    private DigitalTwin readWithin(String id, long seconds) {
        return client.digitalTwins()
                .withDeadlineAfter(seconds, TimeUnit.SECONDS)
                .getDigitalTwin(
                        GetDigitalTwinRequest.newBuilder().setDigitalTwinId(id).build())
                .getDigitalTwin();
    }

    private void list() {
        ListRelationshipsRequest request = ListRelationshipsRequest.newBuilder()
                .setDigitalTwinId("java-hall")
                .setPageSize(100)
                .build();
        for (Relationship relationship : Listing.items(
                client.relationships()::listRelationships, request, ListRelationshipsResponse::getRelationshipsList)) {
            System.out.println(relationship.getId() + " leads to " + relationship.getTargetId());
        }
    }

    private void query() {
        StreamQueryTwinsRequest request = StreamQueryTwinsRequest.newBuilder()
                .setQuery("SELECT T.$dtId, T.temperature FROM digitaltwins T WHERE STARTSWITH(T.$dtId, 'java-')")
                .build();
        try (CloseableIterator<QueryRow> rows = client.queries().streamQuery(request)) {
            while (rows.hasNext()) {
                Map<String, Value> columns = rows.next().getFieldsMap();
                OptionalDouble temperature = Values.asDouble(columns.get("temperature"));
                System.out.println(columns.get("$dtId").getStringValue() + " " + temperature);
            }
        }
    }

    private void export(OutputStream file) throws IOException {
        ExportGraphRequest request = ExportGraphRequest.newBuilder()
                .setFormat(ExportFormat.EXPORT_FORMAT_NDJSON)
                .build();
        try (CloseableIterator<ExportGraphResponse> messages = client.graphs().streamExport(request)) {
            while (messages.hasNext()) {
                messages.next().getChunk().writeTo(file);
            }
        }
    }

    private void imports() {
        List<GraphItem> items = Stream.of("java-cellar", "java-attic")
                .map(id -> DigitalTwin.newBuilder().setId(id).setModelId("dtmi:example:readme:Room;1"))
                .map(twin -> GraphItem.newBuilder().setDigitalTwin(twin).build())
                .toList();
        try (CloseableIterator<ImportGraphResponse> reports =
                client.graphs().streamImport(ImportOptions.getDefaultInstance(), items)) {
            while (reports.hasNext()) {
                ImportGraphResponse report = reports.next();
                for (ImportResult result : report.getResultsList()) {
                    TwinfrontException.fromStatus(result.getStatus())
                            .ifPresent(failure -> System.out.println(result.getResource() + " " + failure));
                }
                System.out.println(report.getProgress().getAcknowledgedCount() + " of " + items.size());
            }
        }
    }

    private String newestToken() {
        return client.changes()
                .getChangeLog(GetChangeLogRequest.getDefaultInstance())
                .getNewestToken();
    }

    private String changeBehind(String token) {
        WatchRequest request = WatchRequest.newBuilder()
                .setResumeToken(token)
                .setFilter(ChangeFilter.newBuilder().addDigitalTwinIds("java-hall"))
                .build();
        try (Watch watch = client.changes().streamChanges(request)) {
            while (watch.hasNext()) {
                WatchItem item = watch.next();
                if (item instanceof WatchItem.Reset reset) {
                    System.out.println("read everything again: " + reset.reason());
                } else if (item instanceof WatchItem.Change told) {
                    System.out.println(
                            told.change().getKind() + " " + told.change().getDigitalTwinId());
                    return watch.resumeToken(); // where another watch goes on
                }
            }
        }
        throw new IllegalStateException("the watch has ended");
    }

    private void cache() {
        TwinCache.Builder options = TwinCache.builder(client)
                .digitalTwinIdPrefixes("java-")
                .relationships()
                .indexed("/temperature")
                .changed((before, after) -> System.out.println("another: " + after.id()));
        try (TwinCache rooms = options.start()) {
            rooms.synced(Duration.ofSeconds(30));
            System.out.println(
                    rooms.size() + " rooms, " + rooms.relationships("java-hall").size() + " ways out of the hall");
            rooms.find("/temperature", 21.5).forEach(room -> System.out.println("as warm: " + room.getId()));
        }
    }

    private boolean mayWrite(String id) {
        CheckPermissionsRequest request = CheckPermissionsRequest.newBuilder()
                .addChecks(PermissionCheck.newBuilder()
                        .setMethod("twinfront.v1.DigitalTwinService/UpdateDigitalTwin")
                        .setDigitalTwinId(id))
                .build();
        return client.permissions().checkPermissions(request).getDecisions(0).getPermitted();
    }

    private void count() {
        String etag = client.digitalTwins().updateWithRetry("java-hall", 5, twin -> {
            long visits = (long) Values.fromValue(twin.getPropertiesOrThrow("visits"));
            return new Patch().replace("/visits", visits + 1);
        });
        System.out.println("counted: " + !etag.isEmpty());
    }

    private void batch() {
        List<String> ids = List.of("java-study", "java-nowhere");
        BatchWriteDigitalTwinsRequest.Builder request = BatchWriteDigitalTwinsRequest.newBuilder();
        for (String id : ids) {
            request.addWrites(DigitalTwinWrite.newBuilder()
                    .setDigitalTwinId(id)
                    .setPatch(DigitalTwinWrite.Patch.newBuilder()
                            .addAllOperations(
                                    new Patch().replace("/temperature", 18.5).operations())));
        }
        List<DigitalTwinWriteResult> results =
                client.digitalTwins().batchWriteDigitalTwins(request.build()).getResultsList();
        for (int i = 0; i < ids.size(); i++) {
            String id = ids.get(i);
            TwinfrontException.fromStatus(results.get(i).getStatus())
                    .ifPresent(failure -> System.out.println(id + " - " + failure.getMessage()));
        }
    }
}
