package io.twinfront.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.twinfront.client.errors.CallCancelledException;
import io.twinfront.client.errors.DeadlineExceededException;
import io.twinfront.client.errors.NotFoundException;
import io.twinfront.client.errors.ResourceExhaustedException;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.client.errors.UnauthenticatedException;
import io.twinfront.client.errors.UnavailableException;
import io.twinfront.v1.DeleteDigitalTwinRequest;
import io.twinfront.v1.DeleteDigitalTwinResponse;
import io.twinfront.v1.DigitalTwinServiceGrpc;
import io.twinfront.v1.GetDigitalTwinRequest;
import io.twinfront.v1.GetDigitalTwinResponse;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Headers, timeouts, retries and errors of every call on a client's channel. */
class ConnectionTest {
    private static final GetDigitalTwinRequest READ = GetDigitalTwinRequest.getDefaultInstance();
    private static final DeleteDigitalTwinRequest WRITE = DeleteDigitalTwinRequest.getDefaultInstance();

    private LocalServer server;

    /** Fails its calls one after the other with these statuses, and answers those after them; CANCELLED is no answer at all. */
    private TwinfrontClient.Builder serving(Metadata trailers, Status... outcomes) {
        Iterator<Status> left = List.of(outcomes).iterator();
        server = new LocalServer(new DigitalTwinServiceGrpc.DigitalTwinServiceImplBase() {
            @Override
            public void getDigitalTwin(GetDigitalTwinRequest request, StreamObserver<GetDigitalTwinResponse> observer) {
                end(observer, GetDigitalTwinResponse.getDefaultInstance());
            }

            @Override
            public void deleteDigitalTwin(
                    DeleteDigitalTwinRequest request, StreamObserver<DeleteDigitalTwinResponse> observer) {
                end(observer, DeleteDigitalTwinResponse.getDefaultInstance());
            }

            private <T> void end(StreamObserver<T> observer, T answer) {
                Status outcome = left.hasNext() ? left.next() : Status.OK;
                if (outcome.isOk()) {
                    observer.onNext(answer);
                    observer.onCompleted();
                } else if (outcome.getCode() != Status.Code.CANCELLED) {
                    observer.onError(outcome.asRuntimeException(trailers));
                }
            }
        });
        return TwinfrontClient.builder(server.target());
    }

    private TwinfrontClient.Builder serving(Status... outcomes) {
        return serving(new Metadata(), outcomes);
    }

    @AfterEach
    void closeServer() {
        server.close();
    }

    @Test
    void readsAreSentAgainWhenTheServerIsUnavailable() {
        try (TwinfrontClient client =
                serving(Status.UNAVAILABLE, Status.RESOURCE_EXHAUSTED).build()) {
            client.digitalTwins().getDigitalTwin(READ);
        }
        assertEquals(3, server.received().size());
    }

    @Test
    void writesAreSentAgainByTheChannelWhenTheyAreThrottled() {
        try (TwinfrontClient client =
                serving(Status.RESOURCE_EXHAUSTED, Status.RESOURCE_EXHAUSTED).build()) {
            client.digitalTwins().deleteDigitalTwin(WRITE);
        }
        assertEquals(3, server.received().size());
    }

    @Test
    void aServerCanForbidToSendAgain() {
        Metadata trailers = new Metadata();
        trailers.put(Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER), "-1");
        try (TwinfrontClient client =
                serving(trailers, Status.RESOURCE_EXHAUSTED).build()) {
            assertThrows(
                    ResourceExhaustedException.class,
                    () -> client.digitalTwins().getDigitalTwin(READ));
        }
        assertEquals(1, server.received().size());
    }

    @Test
    void theBudgetForSendingAgainRunsOut() {
        Status[] failures = new Status[6];
        Arrays.fill(failures, Status.UNAVAILABLE);
        try (TwinfrontClient client = serving(failures).build()) {
            assertThrows(UnavailableException.class, () -> client.digitalTwins().getDigitalTwin(READ));
            assertEquals(5, server.received().size());
            assertThrows(UnavailableException.class, () -> client.digitalTwins().getDigitalTwin(READ));
            assertEquals(6, server.received().size());
        }
    }

    @Test
    void callsHaveTheTimeoutOfTheServiceConfigUnlessTheyHaveTheirOwn() {
        try (TwinfrontClient client = serving().build()) {
            client.digitalTwins().getDigitalTwin(READ);
            client.digitalTwins().deleteDigitalTwin(WRITE);
            client.digitalTwins().withDeadlineAfter(5, TimeUnit.SECONDS).getDigitalTwin(READ);
            client.digitalTwins().withDeadlineAfter(500, TimeUnit.SECONDS).getDigitalTwin(READ);
        }
        assertSeconds(30, server.header(0, "grpc-timeout"));
        assertSeconds(60, server.header(1, "grpc-timeout"));
        assertSeconds(5, server.header(2, "grpc-timeout"));
        assertSeconds(500, server.header(3, "grpc-timeout"));
    }

    private static void assertSeconds(int expected, String header) {
        long number = Long.parseLong(header.substring(0, header.length() - 1));
        long perSecond = switch (header.charAt(header.length() - 1)) {
            case 'n' -> 1_000_000_000;
            case 'u' -> 1_000_000;
            case 'm' -> 1_000;
            default -> 1;
        };
        long seconds = -Math.floorDiv(-number, perSecond);
        assertTrue(expected - 2 <= seconds && seconds <= expected, header);
    }

    @Test
    void theServerLearnsWhoCalls() {
        try (TwinfrontClient client = serving().insecure().token(() -> "t-1").build()) {
            client.digitalTwins().getDigitalTwin(READ);
        }
        assertEquals("Bearer t-1", server.header(0, "authorization"));
        assertTrue(server.header(0, "user-agent").startsWith("twinfront-java/" + TwinfrontClient.VERSION));
    }

    @Test
    void aCallWithoutATokenIsNotSent() {
        IllegalStateException noToken = new IllegalStateException("the vault is shut");
        try (TwinfrontClient client = serving()
                .insecure()
                .token(() -> {
                    throw noToken;
                })
                .build()) {
            UnauthenticatedException failure = assertThrows(
                    UnauthenticatedException.class, () -> client.digitalTwins().getDigitalTwin(READ));
            assertSame(noToken, failure.getCause());
        }
        try (TwinfrontClient client = TwinfrontClient.builder(server.target())
                .insecure()
                .token(() -> "two words")
                .build()) {
            assertThrows(
                    UnauthenticatedException.class, () -> client.digitalTwins().getDigitalTwin(READ));
        }
        assertEquals(0, server.received().size());
    }

    @Test
    void deadlinesCancellationsAndInterruptionsAreTyped() {
        try (TwinfrontClient client =
                serving(Status.CANCELLED, Status.CANCELLED, Status.CANCELLED).build()) {
            DigitalTwinCalls hurried = client.digitalTwins().withDeadlineAfter(50, TimeUnit.MILLISECONDS);
            assertThrows(DeadlineExceededException.class, () -> hurried.getDigitalTwin(READ));
            try (Context.CancellableContext context = Context.current().withCancellation()) {
                context.cancel(null);
                context.run(() -> assertThrows(
                        CallCancelledException.class,
                        () -> client.digitalTwins().getDigitalTwin(READ)));
            }
            Thread.currentThread().interrupt();
            assertThrows(
                    CallCancelledException.class, () -> client.digitalTwins().getDigitalTwin(READ));
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void theStackTraceOfAnErrorIsThatOfTheCaller() {
        try (TwinfrontClient client = serving(Status.NOT_FOUND).build()) {
            NotFoundException failure = assertThrows(
                    NotFoundException.class, () -> client.digitalTwins().getDigitalTwin(READ));
            assertTrue(List.of(failure.getStackTrace()).stream()
                    .anyMatch(frame -> frame.getClassName().equals(ConnectionTest.class.getName())));
        }
    }

    @Test
    void theErrorsOfGeneratedStubsHaveTypedCauses() {
        try (TwinfrontClient client =
                serving(Status.NOT_FOUND, Status.NOT_FOUND).build()) {
            StatusRuntimeException blocking = assertThrows(
                    StatusRuntimeException.class,
                    () -> DigitalTwinServiceGrpc.newBlockingStub(client.channel())
                            .getDigitalTwin(READ));
            assertInstanceOf(NotFoundException.class, blocking.getCause());
            ExecutionException future = assertThrows(
                    ExecutionException.class,
                    () -> DigitalTwinServiceGrpc.newFutureStub(client.channel())
                            .getDigitalTwin(READ)
                            .get());
            assertInstanceOf(NotFoundException.class, TwinfrontException.from(future));
        }
    }
}
