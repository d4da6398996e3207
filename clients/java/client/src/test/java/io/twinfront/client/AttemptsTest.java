package io.twinfront.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.StreamObserver;
import io.twinfront.client.errors.DeadlineExceededException;
import io.twinfront.client.errors.EtagMismatchException;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.client.errors.UnavailableException;
import io.twinfront.v1.BatchWriteDigitalTwinsRequest;
import io.twinfront.v1.BatchWriteDigitalTwinsResponse;
import io.twinfront.v1.DigitalTwinServiceGrpc;
import io.twinfront.v1.GetDigitalTwinRequest;
import io.twinfront.v1.GetDigitalTwinResponse;
import io.twinfront.v1.UpdateDigitalTwinRequest;
import io.twinfront.v1.UpdateDigitalTwinResponse;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is sent again, and under which id. */
class AttemptsTest {
    private static final UpdateDigitalTwinRequest WRITE = UpdateDigitalTwinRequest.getDefaultInstance();
    private static final StatusRuntimeException LOST = Status.UNAVAILABLE.asRuntimeException();
    private static final StatusRuntimeException DRAINING = Failures.of(Code.UNAVAILABLE, "SERVER_DRAINING");

    private final Failing failing = new Failing();
    private final LocalServer server = new LocalServer(failing);
    private final TwinfrontClient client = TwinfrontClient.create(server.target());

    /** Writes that fail one after the other so, and their request ids. */
    private static final class Failing extends DigitalTwinServiceGrpc.DigitalTwinServiceImplBase {
        private final Queue<Exception> failures = new ArrayDeque<>();
        private final List<String> requestIds = Collections.synchronizedList(new ArrayList<>());

        @Override
        public void updateDigitalTwin(
                UpdateDigitalTwinRequest request, StreamObserver<UpdateDigitalTwinResponse> observer) {
            answer(request.getRequestId(), UpdateDigitalTwinResponse.getDefaultInstance(), observer);
        }

        @Override
        public void getDigitalTwin(GetDigitalTwinRequest request, StreamObserver<GetDigitalTwinResponse> observer) {
            answer("", GetDigitalTwinResponse.getDefaultInstance(), observer);
        }

        @Override
        public void batchWriteDigitalTwins(
                BatchWriteDigitalTwinsRequest request, StreamObserver<BatchWriteDigitalTwinsResponse> observer) {
            answer(request.getRequestId(), BatchWriteDigitalTwinsResponse.getDefaultInstance(), observer);
        }

        private <T> void answer(String requestId, T answer, StreamObserver<T> observer) {
            requestIds.add(requestId);
            Exception failure = failures.poll();
            if (failure != null) {
                observer.onError(failure);
                return;
            }
            observer.onNext(answer);
            observer.onCompleted();
        }
    }

    private DigitalTwinCalls failing(int times, Exception failure) {
        failing.failures.addAll(Collections.nCopies(times, failure));
        return client.digitalTwins();
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void aWriteWhoseAnswerWasLostIsSentAgainUnderTheSameIdFiveTimesAtTheMost() {
        DigitalTwinCalls twins = failing(9, LOST);
        assertThrows(UnavailableException.class, () -> twins.updateDigitalTwin(WRITE));
        twins.updateDigitalTwin(WRITE);
        List<String> ids = failing.requestIds;
        assertEquals(
                List.of(0, 0, 0, 0, 0, 5, 5, 5, 5, 5),
                ids.stream().map(ids::indexOf).toList());
        assertFalse(ids.get(0).isEmpty());
    }

    @Test
    void theIdThatACallerGivesIsKept() {
        failing(1, LOST)
                .updateDigitalTwin(WRITE.toBuilder().setRequestId("order-4711").build());
        assertEquals(List.of("order-4711", "order-4711"), failing.requestIds);
    }

    @ParameterizedTest
    @MethodSource
    void aWriteThatDoesMoreTheSecondTimeIsNotSentAgainWhenItsAnswerWasLost(Patch patch) {
        UpdateDigitalTwinRequest write =
                WRITE.toBuilder().addAllPatch(patch.operations()).build();
        DigitalTwinCalls twins = failing(1, LOST);
        assertThrows(UnavailableException.class, () -> twins.updateDigitalTwin(write));
        assertEquals(1, failing.requestIds.size());
    }

    static List<Patch> aWriteThatDoesMoreTheSecondTimeIsNotSentAgainWhenItsAnswerWasLost() {
        return List.of(new Patch().add("/list/-", 1), new Patch().remove("/list/0"));
    }

    @Test
    void aBatchIsNotSentAgainWhenItsAnswerWasLostAndADryRunGetsNoId() {
        DigitalTwinCalls twins = failing(1, LOST);
        assertThrows(
                UnavailableException.class,
                () -> twins.batchWriteDigitalTwins(BatchWriteDigitalTwinsRequest.getDefaultInstance()));
        twins.updateDigitalTwin(WRITE.toBuilder().setValidateOnly(true).build());
        assertEquals(List.of("", ""), failing.requestIds);
    }

    @Test
    void whatAWriteIsRefusedWithAfterItsAnswerWasLostMayBeItsOwnDoingSoTheLossIsTold() {
        failing(1, LOST);
        DigitalTwinCalls twins = failing(1, Failures.of(Code.ABORTED, "ETAG_MISMATCH"));
        assertThrows(UnavailableException.class, () -> twins.updateDigitalTwin(WRITE));
        assertEquals(2, failing.requestIds.size());
    }

    @Test
    void aRefusalThatTheServerMarksAsThatOfAnEarlierAttemptIsTold() {
        StatusRuntimeException refusal = Failures.of(Code.ABORTED, "ETAG_MISMATCH");
        refusal.getTrailers().put(Metadata.Key.of("twinfront-replayed", Metadata.ASCII_STRING_MARSHALLER), "true");
        failing(1, LOST);
        DigitalTwinCalls twins = failing(1, refusal);
        assertThrows(EtagMismatchException.class, () -> twins.updateDigitalTwin(WRITE));
    }

    @Test
    void aWriteThatAStoppingServerRefusedIsSentAgainWhileThereIsTime() {
        failing(8, DRAINING).updateDigitalTwin(WRITE);
        assertEquals(9, failing.requestIds.size());
    }

    @Test
    void aWriteEndsAtItsDeadlineHoweverOftenItWasSent() {
        client.digitalTwins().updateDigitalTwin(WRITE); // there is a connection
        DigitalTwinCalls twins = failing(1000, DRAINING).withDeadlineAfter(2, TimeUnit.SECONDS);
        long began = System.nanoTime();
        assertThrows(TwinfrontException.class, () -> twins.updateDigitalTwin(WRITE));
        assertTrue(System.nanoTime() - began < TimeUnit.SECONDS.toNanos(20));
        assertTrue(failing.requestIds.size() > 2);
    }

    @Test
    void aWriteIsSentAgainFiveTimesAtTheMostWhileTheUpstreamIsAway() {
        DigitalTwinCalls twins = failing(5, Failures.of(Code.UNAVAILABLE, "UPSTREAM_UNAVAILABLE"));
        assertThrows(UnavailableException.class, () -> twins.updateDigitalTwin(WRITE));
        assertEquals(5, failing.requestIds.size());
    }

    @Test
    void anErrorSaysHowOftenTheCallWasSent() {
        DigitalTwinCalls twins = failing(11, LOST);
        GetDigitalTwinRequest read = GetDigitalTwinRequest.getDefaultInstance();
        BatchWriteDigitalTwinsRequest batch = BatchWriteDigitalTwinsRequest.getDefaultInstance();
        assertEquals(5, attempts(() -> twins.getDigitalTwin(read)));
        assertEquals(5, attempts(() -> twins.updateDigitalTwin(WRITE)));
        assertEquals(1, attempts(() -> twins.batchWriteDigitalTwins(batch)));
        assertEquals(11, failing.requestIds.size());
    }

    private static int attempts(Executable call) {
        return assertThrows(UnavailableException.class, call).getAttempts();
    }

    @Test
    void aServerThatForbidsAnotherAttemptIsObeyed() {
        StatusRuntimeException full = Failures.of(Code.UNAVAILABLE, "UPSTREAM_UNAVAILABLE");
        full.getTrailers().put(Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER), "-1");
        DigitalTwinCalls twins = failing(1, full);
        assertThrows(UnavailableException.class, () -> twins.updateDigitalTwin(WRITE));
        assertEquals(1, failing.requestIds.size());
    }

    @Test
    void aCallThatTheServerFindsTooLateAfterALostAnswerSaysSo() {
        failing(1, LOST);
        DigitalTwinCalls twins = failing(1, Failures.of(Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"));
        assertThrows(DeadlineExceededException.class, () -> twins.updateDigitalTwin(WRITE));
    }

    @Test
    void withoutRetryEachCallIsSentOnceAndUnderNoId() {
        failing.failures.addAll(List.of(DRAINING, LOST));
        try (TwinfrontClient once =
                TwinfrontClient.builder(server.target()).withoutRetry().build()) {
            DigitalTwinCalls twins = once.digitalTwins();
            assertThrows(UnavailableException.class, () -> twins.updateDigitalTwin(WRITE));
            assertThrows(
                    UnavailableException.class, () -> twins.getDigitalTwin(GetDigitalTwinRequest.getDefaultInstance()));
            twins.updateDigitalTwin(WRITE);
        }
        assertEquals(List.of("", "", ""), failing.requestIds);
    }

    @Test
    void aClosedClientSendsNothingAgain() {
        client.digitalTwins().updateDigitalTwin(WRITE); // there was a server, which would be waited for
        client.close();
        long began = System.nanoTime();
        assertThrows(TwinfrontException.class, () -> client.digitalTwins().updateDigitalTwin(WRITE));
        assertTrue(System.nanoTime() - began < TimeUnit.SECONDS.toNanos(20));
    }

    @Test
    void callsGoToAllServersOfAListAndPastOneThatIsNotThere() {
        LocalServer gone = new LocalServer(failing);
        gone.close();
        Failing second = new Failing();
        try (LocalServer other = new LocalServer(second);
                TwinfrontClient both = TwinfrontClient.create("ipv4:127.0.0.1:" + server.port() + ",127.0.0.1:"
                        + gone.port() + ",127.0.0.1:" + other.port())) {
            int calls = 0;
            // Until the client has both connections, all calls go to the one that it has.
            while (calls < 20 || (calls < 10_000 && (failing.requestIds.isEmpty() || second.requestIds.isEmpty()))) {
                both.digitalTwins().updateDigitalTwin(WRITE);
                calls++;
            }
            assertEquals(calls, failing.requestIds.size() + second.requestIds.size());
            assertTrue(failing.requestIds.size() > 0);
            assertTrue(second.requestIds.size() > 0);
        }
    }

    @Test
    void callsGoPastAServerThatSaysThatItDoesNotServe() {
        HealthStatusManager health = new HealthStatusManager();
        health.setStatus("twinfront.server", ServingStatus.NOT_SERVING);
        Failing stopping = new Failing();
        try (LocalServer other = new LocalServer(stopping, health.getHealthService());
                TwinfrontClient both =
                        TwinfrontClient.create("ipv4:127.0.0.1:" + server.port() + ",127.0.0.1:" + other.port())) {
            for (int call = 0; call < 20; call++) {
                both.digitalTwins().updateDigitalTwin(WRITE);
            }
        }
        assertEquals(List.of(20, 0), List.of(failing.requestIds.size(), stopping.requestIds.size()));
    }

    @Test
    void aListOfWhatIsNoAddressIsNoTarget() {
        for (String target : List.of("ipv4:localhost:1", "ipv4:127.0.0.1", "ipv4:127.0.0.256:1", "ipv4:127.0.0.1:1,")) {
            TwinfrontClient.Builder builder = TwinfrontClient.builder(target).tls(Tls.standard());
            assertThrows(IllegalArgumentException.class, builder::build, target);
        }
    }

    @Test
    void aCallThatFindsNoConnectionWaitsForAServerThatWasThereBefore() throws InterruptedException {
        UpdateDigitalTwinRequest once = WRITE.toBuilder()
                .addAllPatch(new Patch().add("/list/-", 1).operations())
                .build();
        client.digitalTwins().updateDigitalTwin(once);
        int port = server.port();
        server.close();
        TimeUnit.MILLISECONDS.sleep(100); // the client has noticed
        CompletableFuture<LocalServer> restarted = CompletableFuture.supplyAsync(
                () -> new LocalServer(port, failing), CompletableFuture.delayedExecutor(500, TimeUnit.MILLISECONDS));
        client.digitalTwins().updateDigitalTwin(once);
        assertEquals(2, failing.requestIds.size());
        restarted.join().close();
    }

    @Test
    void aServerThatWasNeverThereIsNotWaitedFor() {
        LocalServer gone = new LocalServer(failing);
        gone.close();
        try (TwinfrontClient lost = TwinfrontClient.create("localhost:" + gone.port())) {
            long began = System.nanoTime();
            assertThrows(UnavailableException.class, () -> lost.digitalTwins().updateDigitalTwin(WRITE));
            assertTrue(System.nanoTime() - began < TimeUnit.SECONDS.toNanos(20));
        }
    }
}
