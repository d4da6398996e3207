package io.twinfront.examples;

import io.twinfront.client.Patch;
import io.twinfront.client.TwinfrontClient;
import io.twinfront.client.Values;
import io.twinfront.client.errors.AlreadyExistsException;
import io.twinfront.client.errors.EtagMismatchException;
import io.twinfront.client.errors.TwinHasRelationshipsException;
import io.twinfront.v1.CreateModelsRequest;
import io.twinfront.v1.CreateOrReplaceDigitalTwinRequest;
import io.twinfront.v1.CreateOrReplaceRelationshipRequest;
import io.twinfront.v1.DeleteDigitalTwinRequest;
import io.twinfront.v1.DeleteDigitalTwinResponse;
import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.GetDigitalTwinRequest;
import io.twinfront.v1.Relationship;
import io.twinfront.v1.Relationships;
import io.twinfront.v1.UpdateDigitalTwinRequest;
import java.util.List;
import java.util.Map;

/**
 * Two writers of one twin, and a twin that its relationships keep from being deleted.
 *
 * <p>It needs a server: {@code TWINFRONT_ADDRESS}, or localhost:50051.
 */
public final class Conflict {
    private static final String MODEL_ID = "dtmi:example:java:Room;1";
    private static final String ROOM = """
            {
              "@context": "dtmi:dtdl:context;3",
              "@id": "dtmi:example:java:Room;1",
              "@type": "Interface",
              "contents": [
                {"@type": "Property", "name": "temperature", "schema": "double"},
                {"@type": "Relationship", "name": "leadsTo"}
              ]
            }
            """;

    private final TwinfrontClient client;

    private Conflict(TwinfrontClient client) {
        this.client = client;
    }

    /**
     * Runs the example.
     *
     * @param arguments none
     */
    public static void main(String[] arguments) {
        String address = System.getenv().getOrDefault("TWINFRONT_ADDRESS", "localhost:50051");
        try (TwinfrontClient client = TwinfrontClient.create(address)) {
            Conflict example = new Conflict(client);
            example.furnish();
            example.conflict();
            example.blockedDelete();
        }
    }

    private void furnish() {
        try {
            client.models()
                    .createModels(
                            CreateModelsRequest.newBuilder().addDtdlModels(ROOM).build());
        } catch (AlreadyExistsException e) {
            // It is there from the last run; models are immutable.
        }
        DigitalTwin room = DigitalTwin.newBuilder()
                .setModelId(MODEL_ID)
                .putAllProperties(Values.toValues(Map.of("temperature", 20.5)))
                .build();
        for (String id : List.of("java-lobby", "java-library")) {
            client.digitalTwins()
                    .createOrReplaceDigitalTwin(CreateOrReplaceDigitalTwinRequest.newBuilder()
                            .setDigitalTwinId(id)
                            .setDigitalTwin(room)
                            .build());
        }
    }

    private void conflict() {
        DigitalTwin stale = readLobby();
        try {
            for (double temperature : List.of(21.0, 22.0)) { // the first write makes the etag of the second one stale
                client.digitalTwins()
                        .updateDigitalTwin(UpdateDigitalTwinRequest.newBuilder()
                                .setDigitalTwinId("java-lobby")
                                .addAllPatch(new Patch()
                                        .replace("/temperature", temperature)
                                        .operations())
                                .setIfMatch(stale.getEtag())
                                .build());
            }
        } catch (EtagMismatchException mismatch) {
            System.out.println(
                    "somebody was faster: " + !mismatch.getCurrentEtag().equals(stale.getEtag()));
        }
        client.digitalTwins().updateWithRetry("java-lobby", 5, twin -> {
            double temperature = (double) Values.fromValue(twin.getPropertiesOrThrow("temperature"));
            return new Patch().replace("/temperature", temperature + 1);
        });
        Map<String, Object> properties = Values.fromValues(readLobby().getPropertiesMap());
        System.out.println("temperature: " + properties.get("temperature"));
    }

    private DigitalTwin readLobby() {
        GetDigitalTwinRequest request = GetDigitalTwinRequest.newBuilder()
                .setDigitalTwinId("java-lobby")
                .build();
        return client.digitalTwins().getDigitalTwin(request).getDigitalTwin();
    }

    private void blockedDelete() {
        client.relationships()
                .createOrReplaceRelationship(CreateOrReplaceRelationshipRequest.newBuilder()
                        .setDigitalTwinId("java-lobby")
                        .setRelationshipId("door")
                        .setRelationship(
                                Relationship.newBuilder().setName("leadsTo").setTargetId("java-library"))
                        .build());
        DeleteDigitalTwinRequest.Builder request =
                DeleteDigitalTwinRequest.newBuilder().setDigitalTwinId("java-library");
        try {
            client.digitalTwins().deleteDigitalTwin(request.build());
        } catch (TwinHasRelationshipsException blocked) {
            blocked.getIncoming()
                    .forEach(blocker -> System.out.println("in the way: " + blocker.getSourceId() + " "
                            + blocker.getName() + " " + blocker.getTargetId()));
        }
        request.setRelationships(Relationships.RELATIONSHIPS_DETACH);
        DeleteDigitalTwinResponse deleted = client.digitalTwins().deleteDigitalTwin(request.build());
        System.out.println("deleted, with relationships: " + deleted.getIncomingRelationshipsDeleted());
    }
}
