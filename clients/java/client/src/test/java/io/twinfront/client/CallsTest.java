package io.twinfront.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.twinfront.client.errors.EtagMismatchException;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.client.errors.UnavailableException;
import io.twinfront.v1.ChangeServiceProto;
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
import io.twinfront.v1.PermissionServiceProto;
import io.twinfront.v1.QueryServiceProto;
import io.twinfront.v1.RelationshipServiceProto;
import io.twinfront.v1.TelemetryServiceProto;
import io.twinfront.v1.UpdateDigitalTwinRequest;
import io.twinfront.v1.UpdateDigitalTwinResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

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
                ChangeServiceProto.getDescriptor(),
                PermissionServiceProto.getDescriptor(),
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

    @ParameterizedTest
    @ValueSource(strings = {"1", "2"})
    void pageTokensThatLeadInACircleAreAnError(String last) {
        Map<String, String> after = Map.of("", "1", "1", last, "2", "1");
        AtomicInteger pages = new AtomicInteger();
        Function<ListModelsRequest, ListModelsResponse> list = request -> {
            pages.incrementAndGet();
            return ListModelsResponse.newBuilder()
                    .setNextPageToken(after.get(request.getPageToken()))
                    .build();
        };
        Listing<ListModelsResponse> listing = Listing.pages(list, ListModelsRequest.getDefaultInstance());
        TwinfrontException failure =
                assertThrows(TwinfrontException.class, () -> listing.stream().toList());
        assertEquals(Code.INTERNAL, failure.getCode());
        assertTrue(pages.get() <= 6, pages + " pages");
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
                observer.onError(Failures.of(Code.ABORTED, "ETAG_MISMATCH"));
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
                    EtagMismatchException.class,
                    () -> client.digitalTwins().updateWithRetry("room-001", 2, twin -> {
                        etags.add(twin.getEtag());
                        return new Patch().replace("/temperature", 22.5);
                    }));
            assertEquals(List.of("v0", "v1"), etags);
        }
    }

    /** A twin that is read so, and whose writes all fail so. */
    private static final class Odd extends DigitalTwinServiceGrpc.DigitalTwinServiceImplBase {
        private final GetDigitalTwinResponse answer;
        private final Exception failure;
        private int writes;

        Odd(GetDigitalTwinResponse answer, Exception failure) {
            this.answer = answer;
            this.failure = failure;
        }

        @Override
        public void getDigitalTwin(GetDigitalTwinRequest request, StreamObserver<GetDigitalTwinResponse> observer) {
            observer.onNext(answer);
            observer.onCompleted();
        }

        @Override
        public void updateDigitalTwin(
                UpdateDigitalTwinRequest request, StreamObserver<UpdateDigitalTwinResponse> observer) {
            writes++;
            observer.onError(failure);
        }

        /** The error of an update of the twin. */
        TwinfrontException update() {
            try (LocalServer server = new LocalServer(this);
                    TwinfrontClient client = TwinfrontClient.create(server.target())) {
                return assertThrows(
                        TwinfrontException.class,
                        () -> client.digitalTwins()
                                .updateWithRetry("room-001", 5, twin -> new Patch().replace("/temperature", 22.5)));
            }
        }
    }

    /** A twin whose first calls fail so. */
    private static final class Failing extends DigitalTwinServiceGrpc.DigitalTwinServiceImplBase {
        private final Exception failure;
        private int left;
        private int calls;

        Failing(int failures, Exception failure) {
            this.left = failures;
            this.failure = failure;
        }

        @Override
        public void getDigitalTwin(GetDigitalTwinRequest request, StreamObserver<GetDigitalTwinResponse> observer) {
            answer(observer, read("v0"));
        }

        @Override
        public void updateDigitalTwin(
                UpdateDigitalTwinRequest request, StreamObserver<UpdateDigitalTwinResponse> observer) {
            answer(observer, UpdateDigitalTwinResponse.getDefaultInstance());
        }

        private <T> void answer(StreamObserver<T> observer, T answer) {
            calls++;
            if (left-- > 0) {
                observer.onError(failure);
                return;
            }
            observer.onNext(answer);
            observer.onCompleted();
        }
    }

    @Test
    void whatTheServerCancelledIsUnavailable() {
        Failing failing = new Failing(2, Status.CANCELLED.asRuntimeException());
        try (LocalServer server = new LocalServer(failing);
                TwinfrontClient client = TwinfrontClient.create(server.target())) {
            client.digitalTwins().getDigitalTwin(GetDigitalTwinRequest.getDefaultInstance());
            failing.left = 5;
            assertThrows(
                    UnavailableException.class,
                    () -> client.digitalTwins().updateDigitalTwin(UpdateDigitalTwinRequest.getDefaultInstance()));
            failing.left = 1;
            StatusRuntimeException ofStub = assertThrows(
                    StatusRuntimeException.class,
                    () -> DigitalTwinServiceGrpc.newBlockingStub(client.channel())
                            .updateDigitalTwin(UpdateDigitalTwinRequest.getDefaultInstance()));
            assertInstanceOf(UnavailableException.class, ofStub.getCause());
        }
        assertEquals(3 + 5 + 1, failing.calls);
    }

    private static GetDigitalTwinResponse read(String etag) {
        return GetDigitalTwinResponse.newBuilder()
                .setDigitalTwin(DigitalTwin.newBuilder().setEtag(etag))
                .build();
    }

    @Test
    void nothingIsWrittenAgainUnlessTheServerSaysThatTheEtagWasAnother() {
        for (StatusRuntimeException failure : List.of(
                Status.ABORTED.asRuntimeException(),
                Failures.of(Code.ABORTED, "SOMETHING_NEW"),
                Failures.of(Code.FAILED_PRECONDITION, "ETAG_MISMATCH"))) {
            Odd odd = new Odd(read("v0"), failure);
            assertEquals(failure.getStatus().getCode(), odd.update().getCode());
            assertEquals(1, odd.writes);
        }
    }

    @Test
    void nothingIsWrittenUnderAnEtagThatWasNotGiven() {
        for (GetDigitalTwinResponse answer : List.of(
                read(""), GetDigitalTwinResponse.newBuilder().setEtag("v0").build())) {
            Odd odd = new Odd(answer, Failures.of(Code.ABORTED, "ETAG_MISMATCH"));
            assertEquals(Code.INTERNAL, odd.update().getCode());
            assertEquals(0, odd.writes);
        }
    }
}
