package io.twinfront.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.twinfront.client.errors.CallCancelledException;
import io.twinfront.client.errors.DeadlineExceededException;
import io.twinfront.client.errors.InvalidArgumentException;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.client.errors.UnavailableException;
import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.GraphItem;
import io.twinfront.v1.GraphServiceGrpc;
import io.twinfront.v1.ImportGraphRequest;
import io.twinfront.v1.ImportGraphResponse;
import io.twinfront.v1.ImportOptions;
import io.twinfront.v1.ImportProgress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Imports that break, and go on after what was acknowledged. */
class ImportsTest {
    private static final ImportOptions OPTIONS = ImportOptions.getDefaultInstance();
    private static final Exception LOST = Status.UNAVAILABLE.asRuntimeException();

    private final List<ImportOptions> begun = Collections.synchronizedList(new ArrayList<>());
    private LocalServer server;
    private TwinfrontClient client;

    /** How a stream ends: with a failure as soon as so many items are acknowledged. */
    private record End(long most, Exception failure) {
        static final End WHOLE = new End(Long.MAX_VALUE, null);
    }

    /** A server whose streams, from number 0, end so. */
    private GraphCalls endingWith(IntFunction<End> ends) {
        server = new LocalServer(new Service(ends));
        client = TwinfrontClient.create(server.target());
        return client.graphs();
    }

    private final class Service extends GraphServiceGrpc.GraphServiceImplBase {
        private final IntFunction<End> ends;
        private final CountDownLatch cancelled = new CountDownLatch(1);

        Service(IntFunction<End> ends) {
            this.ends = ends;
        }

        @Override
        public StreamObserver<ImportGraphRequest> importGraph(StreamObserver<ImportGraphResponse> observer) {
            ((ServerCallStreamObserver<?>) observer).setOnCancelHandler(cancelled::countDown);
            return new Import(ends, observer);
        }
    }

    private final class Import implements StreamObserver<ImportGraphRequest> {
        private final IntFunction<End> ends;
        private final StreamObserver<ImportGraphResponse> observer;
        private ImportOptions options;
        private End end;
        private long count;
        private boolean isEnded;

        Import(IntFunction<End> ends, StreamObserver<ImportGraphResponse> observer) {
            this.ends = ends;
            this.observer = observer;
        }

        @Override
        public void onNext(ImportGraphRequest request) {
            if (options == null) {
                options = request.getOptions();
                end = ends.apply(begun.size());
                begun.add(options);
            }
            if (isEnded) {
                return;
            }
            count = Math.min(end.most(), count + request.getItemsCount());
            long imported = Math.max(0, count - options.getResumeFrom());
            observer.onNext(ImportGraphResponse.newBuilder()
                    .setProgress(ImportProgress.newBuilder()
                            .setAcknowledgedCount(count)
                            .setModelsImported(1)
                            .setDigitalTwinsImported(imported)
                            .setRelationshipsImported(2)
                            .setFailed(3))
                    .build());
            if (count == end.most()) {
                isEnded = true;
                observer.onError(end.failure());
            }
        }

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onCompleted() {
            if (!isEnded) {
                observer.onCompleted();
            }
        }
    }

    private List<Long> resumedFrom() {
        return begun.stream().map(ImportOptions::getResumeFrom).toList();
    }

    /** So many twins, whose ids are their numbers. */
    private static Iterable<GraphItem> numbered(int count) {
        return () ->
                IntStream.range(0, count).mapToObj(ImportsTest::numberedTwin).iterator();
    }

    private static GraphItem numberedTwin(int number) {
        DigitalTwin twin =
                DigitalTwin.newBuilder().setId(Integer.toString(number)).build();
        return GraphItem.newBuilder().setDigitalTwin(twin).build();
    }

    private static ImportGraphResponse last(CloseableIterator<ImportGraphResponse> reports) {
        ImportGraphResponse last = null;
        while (reports.hasNext()) {
            last = reports.next();
        }
        return last;
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void anImportGoesOnAfterWhatWasAcknowledgedAndAddsUpItsProgress() {
        GraphCalls graphs = endingWith(number -> number < 2 ? new End(150 * (number + 1), LOST) : End.WHOLE);
        ImportOptions options = ImportOptions.newBuilder().setFailuresOnly(true).build();
        ImportProgress progress =
                last(graphs.streamImport(options, numbered(400))).getProgress();
        assertEquals(
                ImportProgress.newBuilder()
                        .setAcknowledgedCount(400)
                        .setModelsImported(3)
                        .setDigitalTwinsImported(400)
                        .setRelationshipsImported(6)
                        .setFailed(9)
                        .build(),
                progress);
        assertEquals(List.of(0L, 150L, 300L), resumedFrom());
        assertTrue(begun.stream().allMatch(ImportOptions::getFailuresOnly));
    }

    @Test
    void anImportGoesOnWhenItsConnectionIsLost() {
        GraphCalls graphs = endingWith(number -> End.WHOLE);
        AtomicBoolean isLost = new AtomicBoolean();
        Iterable<GraphItem> items = () -> IntStream.range(0, 200)
                .mapToObj(number -> {
                    if (number == 150 && isLost.compareAndSet(false, true)) {
                        restartServer();
                    }
                    return numberedTwin(number);
                })
                .iterator();
        CloseableIterator<ImportGraphResponse> reports = graphs.streamImport(OPTIONS, items);
        assertEquals(200, last(reports).getProgress().getAcknowledgedCount());
        assertEquals(2, begun.size());
    }

    private void restartServer() {
        while (begun.isEmpty()) {
            Thread.onSpinWait();
        }
        int port = server.port();
        server.close();
        server = new LocalServer(port, new Service(number -> End.WHOLE));
    }

    @Test
    void anImportIsGivenUpAtTheFifthBreakWithoutProgress() {
        GraphCalls graphs = endingWith(number -> new End(100, LOST));
        CloseableIterator<ImportGraphResponse> reports = graphs.streamImport(OPTIONS, numbered(1_000));
        assertThrows(UnavailableException.class, () -> last(reports));
        assertEquals(List.of(0L, 100L, 100L, 100L, 100L), resumedFrom());
    }

    @ParameterizedTest
    @ValueSource(strings = {"UPSTREAM_UNAVAILABLE", "AUTHORIZER_UNAVAILABLE"})
    void anImportIsGivenUpAtTheFifthOutage(String reason) {
        GraphCalls graphs = endingWith(number -> new End(0, Failures.of(Status.Code.UNAVAILABLE, reason)));
        assertThrows(UnavailableException.class, () -> last(graphs.streamImport(OPTIONS, numbered(1))));
        assertEquals(5, begun.size());
    }

    @Test
    void anImportGoesOnWhileServersOnlyStopHoweverOften() {
        Exception draining = Failures.of(Status.Code.UNAVAILABLE, "SERVER_DRAINING");
        GraphCalls graphs = endingWith(number -> number < 8 ? new End(0, draining) : End.WHOLE);
        ImportProgress progress =
                last(graphs.streamImport(OPTIONS, numbered(250))).getProgress();
        assertEquals(250, progress.getAcknowledgedCount());
    }

    @Test
    void anImportThatIsRefusedIsNotGoneOnWith() {
        GraphCalls graphs = endingWith(number -> new End(0, Status.INVALID_ARGUMENT.asRuntimeException()));
        CloseableIterator<ImportGraphResponse> reports = graphs.streamImport(OPTIONS, numbered(100_000));
        assertThrows(InvalidArgumentException.class, () -> last(reports));
        assertEquals(1, begun.size());
    }

    @Test
    void withoutRetryAnImportThatBreaksIsNotGoneOnWith() {
        endingWith(number -> new End(0, LOST));
        try (TwinfrontClient once =
                TwinfrontClient.builder(server.target()).withoutRetry().build()) {
            assertThrows(UnavailableException.class, () -> last(once.graphs().streamImport(OPTIONS, numbered(1))));
        }
        assertEquals(1, begun.size());
    }

    @Test
    void anImportOfNothingEnds() {
        ImportGraphResponse report = last(endingWith(number -> End.WHOLE).streamImport(OPTIONS, numbered(0)));
        assertEquals(0, report.getProgress().getAcknowledgedCount());
        assertEquals(1, begun.size());
    }

    @Test
    void anImportGoesOnFromWhereItsCallerWantsItTo() {
        GraphCalls graphs = endingWith(number -> number == 0 ? new End(20, LOST) : End.WHOLE);
        ImportOptions options = OPTIONS.toBuilder().setResumeFrom(50).build();
        ImportProgress progress =
                last(graphs.streamImport(options, numbered(100))).getProgress();
        assertEquals(50, progress.getDigitalTwinsImported());
        assertEquals(List.of(50L, 50L), resumedFrom(), "less than what was there before is no progress");
    }

    @Test
    void anImportDoesNotGoOnBeyondTheDeadlineOfItsCaller() {
        Exception draining = Failures.of(Status.Code.UNAVAILABLE, "SERVER_DRAINING");
        GraphCalls graphs = endingWith(number -> new End(0, draining)).withDeadlineAfter(1, TimeUnit.SECONDS);
        long began = System.nanoTime();
        TwinfrontException failure =
                assertThrows(TwinfrontException.class, () -> last(graphs.streamImport(OPTIONS, numbered(1))));
        assertTrue(failure instanceof UnavailableException || failure instanceof DeadlineExceededException);
        assertTrue(System.nanoTime() - began < TimeUnit.SECONDS.toNanos(20));
    }

    @Test
    void cancellingTheContextEndsTheImport() throws Exception {
        Exception draining = Failures.of(Status.Code.UNAVAILABLE, "SERVER_DRAINING");
        GraphCalls graphs = endingWith(number -> new End(0, draining));
        try (Context.CancellableContext context = Context.current().withCancellation()) {
            Thread canceller = new Thread(() -> {
                while (begun.size() < 2) {
                    Thread.onSpinWait();
                }
                context.cancel(null);
            });
            canceller.start();
            assertThrows(
                    CallCancelledException.class,
                    () -> context.run(() -> last(graphs.streamImport(OPTIONS, numbered(1)))));
            canceller.join();
        }
    }

    @Test
    void closingEndsTheImport() throws InterruptedException {
        Service service = new Service(number -> End.WHOLE);
        server = new LocalServer(service);
        client = TwinfrontClient.create(server.target());
        Iterable<GraphItem> endless =
                () -> Stream.generate(GraphItem::getDefaultInstance).iterator();
        CloseableIterator<ImportGraphResponse> reports = client.graphs().streamImport(OPTIONS, endless);
        reports.next();
        reports.close();
        assertTrue(service.cancelled.await(10, TimeUnit.SECONDS));
        assertFalse(reports.hasNext());
    }

    @Test
    void whatTheItemsThrowIsTheCauseAndTheImportDoesNotGoOn() {
        IllegalStateException broken = new IllegalStateException("the file is broken");
        Iterable<GraphItem> items = () -> Stream.<GraphItem>generate(() -> {
                    throw broken;
                })
                .iterator();
        CloseableIterator<ImportGraphResponse> reports =
                endingWith(number -> End.WHOLE).streamImport(OPTIONS, items);
        TwinfrontException failure = assertThrows(TwinfrontException.class, reports::hasNext);
        assertInstanceOf(CallCancelledException.class, failure);
        assertSame(broken, failure.getCause());
    }
}
