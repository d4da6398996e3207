package io.twinfront.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.twinfront.client.errors.AbortedException;
import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.DigitalTwinServiceGrpc;
import io.twinfront.v1.DigitalTwinServiceProto;
import io.twinfront.v1.EventRouteServiceProto;
import io.twinfront.v1.GetDigitalTwinRequest;
import io.twinfront.v1.GetDigitalTwinResponse;
import io.twinfront.v1.GraphServiceProto;
import io.twinfront.v1.JobServiceProto;
import io.twinfront.v1.ListModelsRequest;
import io.twinfront.v1.ListModelsResponse;
import io.twinfront.v1.Model;
import io.twinfront.v1.ModelServiceProto;
import io.twinfront.v1.QueryServiceProto;
import io.twinfront.v1.RelationshipServiceProto;
import io.twinfront.v1.TelemetryServiceProto;
import io.twinfront.v1.UpdateDigitalTwinRequest;
import io.twinfront.v1.UpdateDigitalTwinResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CallsTest {
    @ParameterizedTest
    @MethodSource
    void everyCallOfTheContractIsThere(FileDescriptor file) throws ClassNotFoundException {
        ServiceDescriptor service = file.getServices().get(0);
        Class<?> calls =
                Class.forName("io.twinfront.client." + service.getName().replace("Service", "Calls"));
        Set<String> missing = service.getMethods().stream()
                .map(MethodDescriptor::getName)
                .map(name -> Character.toLowerCase(name.charAt(0)) + name.substring(1))
                .collect(Collectors.toCollection(TreeSet::new));
        Stream.of(calls.getDeclaredMethods()).forEach(method -> missing.remove(method.getName()));
        assertEquals(Set.of(), missing);
    }

    static Stream<FileDescriptor> everyCallOfTheContractIsThere() {
        return Stream.of(
                DigitalTwinServiceProto.getDescriptor(),
                EventRouteServiceProto.getDescriptor(),
                GraphServiceProto.getDescriptor(),
                JobServiceProto.getDescriptor(),
                ModelServiceProto.getDescriptor(),
                QueryServiceProto.getDescriptor(),
                RelationshipServiceProto.getDescriptor(),
                TelemetryServiceProto.getDescriptor());
    }

    @Test
    void listsGoThroughAllPages() {
        List<String> tokens = new ArrayList<>();
        Function<ListModelsRequest, ListModelsResponse> list = request -> {
            tokens.add(request.getPageToken());
            int page = tokens.size();
            return ListModelsResponse.newBuilder()
                    .addModels(Model.newBuilder().setId("m" + page))
                    .setNextPageToken(page < 3 ? "p" + page : "")
                    .build();
        };
        ListModelsRequest request = ListModelsRequest.getDefaultInstance();
        Listing<Model> models = Listing.items(list, request, ListModelsResponse::getModelsList);
        assertEquals(
                List.of("m1", "m2", "m3"), models.stream().map(Model::getId).toList());
        assertEquals(List.of("", "p1", "p2"), tokens);
        tokens.clear();
        assertEquals("m1", models.iterator().next().getId());
        assertEquals(List.of(""), tokens); // no page is fetched before it is needed
        tokens.clear();
        assertEquals(3, Listing.pages(list, request).stream().count());
    }

    /** A twin that another writer changes before each of the first updates. */
    private static final class Contested extends DigitalTwinServiceGrpc.DigitalTwinServiceImplBase {
        private int conflicts;
        private int version;

        Contested(int conflicts) {
            this.conflicts = conflicts;
        }

        @Override
        public void getDigitalTwin(GetDigitalTwinRequest request, StreamObserver<GetDigitalTwinResponse> observer) {
            observer.onNext(GetDigitalTwinResponse.newBuilder()
                    .setDigitalTwin(DigitalTwin.newBuilder().setEtag("v" + version))
                    .build());
            observer.onCompleted();
        }

        @Override
        public void updateDigitalTwin(
                UpdateDigitalTwinRequest request, StreamObserver<UpdateDigitalTwinResponse> observer) {
            version++;
            if (conflicts-- > 0) {
                observer.onError(Status.ABORTED.asRuntimeException());
                return;
            }
            observer.onNext(UpdateDigitalTwinResponse.newBuilder()
                    .setEtag(request.getIfMatch() + "+")
                    .build());
            observer.onCompleted();
        }
    }

    @Test
    void updatesAreTriedAgainAfterAConflict() {
        Patch patch = new Patch().replace("/temperature", 22.5);
        try (LocalServer server = new LocalServer(new Contested(2));
                TwinfrontClient client = TwinfrontClient.create(server.target())) {
            DigitalTwinCalls twins = client.digitalTwins();
            assertEquals("v2+", twins.updateWithRetry("room-001", 3, twin -> patch));
            assertEquals("v3", twins.updateWithRetry("room-001", 1, twin -> null));
            assertThrows(IllegalArgumentException.class, () -> twins.updateWithRetry("room-001", 0, twin -> patch));
        }
    }

    @Test
    void attemptsToUpdateComeToAnEnd() {
        try (LocalServer server = new LocalServer(new Contested(2));
                TwinfrontClient client = TwinfrontClient.create(server.target())) {
            List<String> etags = new ArrayList<>();
            assertThrows(
                    AbortedException.class,
                    () -> client.digitalTwins().updateWithRetry("room-001", 2, twin -> {
                        etags.add(twin.getEtag());
                        return new Patch().replace("/temperature", 22.5);
                    }));
            assertEquals(List.of("v0", "v1"), etags);
        }
    }
}
