package io.twinfront.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.twinfront.client.errors.CallCancelledException;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.client.errors.UnavailableException;
import io.twinfront.v1.ExportGraphRequest;
import io.twinfront.v1.ExportGraphResponse;
import io.twinfront.v1.GraphServiceGrpc;
import io.twinfront.v1.ImportGraphRequest;
import io.twinfront.v1.ImportGraphResponse;
import io.twinfront.v1.ImportProgress;
import io.twinfront.v1.QueryRow;
import io.twinfront.v1.QueryServiceGrpc;
import io.twinfront.v1.StreamQueryTwinsRequest;
import io.twinfront.v1.StreamQueryTwinsResponse;
import io.twinfront.v1.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Streams that break, are left, or are slow. */
class StreamsTest {
    private static final StreamQueryTwinsRequest QUERY =
            StreamQueryTwinsRequest.newBuilder().setQuery("SELECT *").build();

    private final List<String> resumedFrom = Collections.synchronizedList(new ArrayList<>());
    private LocalServer server;
    private TwinfrontClient client;

    /** Answers each stream of a query by what is given the resume token. */
    private CloseableIterator<QueryRow> rows(BiConsumer<String, StreamObserver<StreamQueryTwinsResponse>> answer) {
        server = new LocalServer(new QueryServiceGrpc.QueryServiceImplBase() {
            @Override
            public void streamQueryTwins(
                    StreamQueryTwinsRequest request, StreamObserver<StreamQueryTwinsResponse> observer) {
                resumedFrom.add(request.getResumeToken());
                answer.accept(request.getResumeToken(), observer);
            }
        });
        client = TwinfrontClient.create(server.target());
        return client.queries().streamQuery(QUERY);
    }

    private static StreamQueryTwinsResponse message(String resumeToken, int... numbers) {
        StreamQueryTwinsResponse.Builder message =
                StreamQueryTwinsResponse.newBuilder().setResumeToken(resumeToken);
        for (int number : numbers) {
            message.addRows(QueryRow.newBuilder()
                    .putFields("n", Value.newBuilder().setIntValue(number).build()));
        }
        return message.build();
    }

    private static List<Long> numbers(Stream<QueryRow> rows) {
        return rows.map(row -> row.getFieldsOrThrow("n").getIntValue()).toList();
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void rowsGoOnWhereTheStreamBroke() {
        CloseableIterator<QueryRow> rows = rows((token, observer) -> {
            if (token.isEmpty()) {
                observer.onNext(message("after 2", 1, 2));
                observer.onError(Status.UNAVAILABLE.asRuntimeException());
            } else {
                observer.onNext(message("", 3));
                observer.onCompleted();
            }
        });
        assertEquals(List.of(1L, 2L, 3L), numbers(rows.stream()));
        assertEquals(List.of("", "after 2"), resumedFrom);
        assertThrows(NoSuchElementException.class, rows::next);
    }

    @Test
    void aBreakAfterTheLastMessageIsTheEnd() {
        CloseableIterator<QueryRow> rows = rows((token, observer) -> {
            observer.onNext(message("", 1));
            observer.onError(Status.UNAVAILABLE.asRuntimeException());
        });
        assertEquals(List.of(1L), numbers(rows.stream()));
    }

    @Test
    void fiveBreaksWithoutARowInBetweenAreTooMany() {
        CloseableIterator<QueryRow> rows = rows((token, observer) -> {
            if (token.isEmpty()) {
                observer.onNext(message("after 1", 1));
            }
            observer.onError(Status.UNAVAILABLE.asRuntimeException());
        });
        rows.next();
        UnavailableException givenUp = assertThrows(UnavailableException.class, rows::hasNext);
        int streams = resumedFrom.size();
        assertEquals(streams, givenUp.getAttempts());
        assertThrows(UnavailableException.class, rows::hasNext);
        assertEquals(streams, resumedFrom.size(), "a stream that was given up is not begun again");
    }

    @Test
    void aStreamDoesNotWaitBeyondTheDeadlineOfItsCaller() {
        rows((token, observer) -> observer.onError(Failures.unavailableFor(40)));
        QueryCalls queries = client.queries().withDeadlineAfter(30, TimeUnit.SECONDS);
        long began = System.nanoTime();
        assertThrows(
                UnavailableException.class, () -> queries.streamQuery(QUERY).hasNext());
        assertTrue(System.nanoTime() - began < TimeUnit.SECONDS.toNanos(20));
    }

    @Test
    void messagesWithoutRowsLeadNowhere() {
        CloseableIterator<QueryRow> rows = rows((token, observer) -> {
            observer.onNext(message("after " + resumedFrom.size()));
            observer.onError(Status.UNAVAILABLE.asRuntimeException());
        });
        assertThrows(UnavailableException.class, rows::hasNext);
        assertEquals(5, resumedFrom.size());
    }

    @Test
    void theSameRowsAgainAndAgainLeadNowhere() {
        CloseableIterator<QueryRow> rows = rows((token, observer) -> {
            observer.onNext(message("after 1", 1));
            observer.onError(Status.UNAVAILABLE.asRuntimeException());
        });
        assertThrows(UnavailableException.class, () -> rows.stream().toList());
        assertEquals(5, resumedFrom.size());
    }

    @Test
    void rowsGoOnWhileServersOnlyStopHoweverOften() {
        CloseableIterator<QueryRow> rows = rows((token, observer) -> {
            if (resumedFrom.size() < 8) {
                observer.onError(Failures.of(Status.Code.UNAVAILABLE, "SERVER_DRAINING"));
            } else {
                observer.onNext(message("", 1));
                observer.onCompleted();
            }
        });
        assertEquals(List.of(1L), numbers(rows.stream()));
    }

    @Test
    void anExportGoesOnWhereItBroke() {
        server = new LocalServer(new GraphServiceGrpc.GraphServiceImplBase() {
            @Override
            public void exportGraph(ExportGraphRequest request, StreamObserver<ExportGraphResponse> observer) {
                resumedFrom.add(request.getResumeToken());
                ExportGraphResponse.Builder message = ExportGraphResponse.newBuilder();
                if (request.getResumeToken().isEmpty()) {
                    message.setChunk(ByteString.copyFromUtf8("1")).setResumeToken("after 1");
                    observer.onNext(message.build());
                    observer.onError(Status.UNAVAILABLE.asRuntimeException());
                } else {
                    observer.onNext(
                            message.setChunk(ByteString.copyFromUtf8("2")).build());
                    observer.onCompleted();
                }
            }
        });
        client = TwinfrontClient.create(server.target());
        try (CloseableIterator<ExportGraphResponse> messages =
                client.graphs().streamExport(ExportGraphRequest.getDefaultInstance())) {
            assertEquals(
                    List.of("1", "2"),
                    messages.stream()
                            .map(message -> message.getChunk().toStringUtf8())
                            .toList());
        }
        assertEquals(List.of("", "after 1"), resumedFrom);
    }

    @Test
    void anErrorOfTheQueryIsNotTriedAgain() {
        CloseableIterator<QueryRow> rows =
                rows((token, observer) -> observer.onError(Status.INVALID_ARGUMENT.asRuntimeException()));
        assertThrows(TwinfrontException.class, rows::hasNext);
        assertEquals(1, resumedFrom.size());
    }

    @Test
    void closingEndsTheCall() throws InterruptedException {
        CountDownLatch cancelled = new CountDownLatch(1);
        CloseableIterator<QueryRow> rows = rows((token, observer) -> {
            ((ServerCallStreamObserver<?>) observer).setOnCancelHandler(cancelled::countDown);
            observer.onNext(message("after 2", 1, 2));
        });
        rows.next();
        rows.close();
        assertTrue(cancelled.await(10, TimeUnit.SECONDS));
        assertFalse(rows.hasNext());
    }

    /** Answers each request with how many there were. */
    private GraphCalls graphs() {
        server = new LocalServer(new GraphServiceGrpc.GraphServiceImplBase() {
            @Override
            public StreamObserver<ImportGraphRequest> importGraph(StreamObserver<ImportGraphResponse> observer) {
                return new StreamObserver<>() {
                    private int count;

                    @Override
                    public void onNext(ImportGraphRequest request) {
                        observer.onNext(ImportGraphResponse.newBuilder()
                                .setProgress(ImportProgress.newBuilder().setAcknowledgedCount(++count))
                                .build());
                    }

                    @Override
                    public void onError(Throwable failure) {}

                    @Override
                    public void onCompleted() {
                        observer.onCompleted();
                    }
                };
            }
        });
        client = TwinfrontClient.create(server.target());
        return client.graphs();
    }

    @Test
    void requestsAreSentWhileAnswersAreRead() {
        int many = 2_000; // far more than fits into the windows of both directions
        ImportGraphRequest request = ImportGraphRequest.newBuilder()
                .setChunk(ByteString.copyFrom(new byte[1_000]))
                .build();
        List<ImportGraphRequest> requests = Collections.nCopies(many, request);
        try (CloseableIterator<ImportGraphResponse> responses = graphs().importGraph(requests)) {
            assertEquals(
                    IntStream.rangeClosed(1, many).asLongStream().boxed().toList(),
                    responses.stream()
                            .map(response -> response.getProgress().getAcknowledgedCount())
                            .toList());
        }
    }

    @Test
    void whatTheRequestsThrowIsTheCause() {
        IllegalStateException broken = new IllegalStateException("the file is broken");
        Iterable<ImportGraphRequest> requests = () -> Stream.<ImportGraphRequest>generate(() -> {
                    throw broken;
                })
                .iterator();
        try (CloseableIterator<ImportGraphResponse> responses = graphs().importGraph(requests)) {
            assertSame(
                    broken,
                    assertThrows(CallCancelledException.class, responses::hasNext)
                            .getCause());
        }
    }
}
