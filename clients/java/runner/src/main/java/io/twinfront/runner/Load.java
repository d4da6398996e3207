package io.twinfront.runner;

import com.google.gson.Gson;
import io.twinfront.client.CloseableIterator;
import io.twinfront.client.Listing;
import io.twinfront.client.Patch;
import io.twinfront.client.TwinfrontClient;
import io.twinfront.client.Values;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.v1.CreateOrReplaceDigitalTwinRequest;
import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.GetDigitalTwinRequest;
import io.twinfront.v1.GraphItem;
import io.twinfront.v1.ImportGraphResponse;
import io.twinfront.v1.ImportOptions;
import io.twinfront.v1.ImportResult;
import io.twinfront.v1.ListModelsRequest;
import io.twinfront.v1.ListModelsResponse;
import io.twinfront.v1.QueryRow;
import io.twinfront.v1.StreamQueryTwinsRequest;
import io.twinfront.v1.UpdateDigitalTwinRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/**
 * Reads and writes all the time until its input ends, and prints what came of it. What it does and what its lines have is told
 * beside the scenarios.
 */
public final class Load {
    private static final int TWINS = 4;
    private static final int IMPORTED_TWINS = 100;
    private static final int READS_PER_STREAM = 10;
    private static final long REPORT_MILLIS = 100;

    private final TwinfrontClient client;
    private final AtomicLong calls = new AtomicLong();
    private final Map<String, Long> failures = new ConcurrentHashMap<>();
    private final Map<String, Long> acknowledged = new ConcurrentHashMap<>();
    private volatile boolean isStopped;

    private Load(TwinfrontClient client) {
        this.client = client;
    }

    /**
     * Runs the program.
     *
     * @param arguments {@code --address TARGET --prefix NAME [--ca FILE [--server-name NAME]] [--token FILE]}
     * @throws InterruptedException if it is interrupted
     */
    public static void main(String[] arguments) throws InterruptedException {
        Options options = Options.of(arguments);
        try (TwinfrontClient client = options.client(() -> tokenIn(Path.of(options.get("--token"))))) {
            new Load(client).run(options.get("--prefix"));
        }
    }

    private static String tokenIn(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void run(String prefix) throws InterruptedException {
        List<Thread> callers = new ArrayList<>();
        for (int number = 0; number < TWINS; number++) {
            String twinId = prefix + "-" + number;
            callers.add(new Thread(() -> noting(() -> write(twinId))));
            callers.add(new Thread(() -> read(twinId)));
        }
        callers.add(new Thread(() -> noting(() -> importAll(prefix + "-import"))));
        callers.forEach(Thread::start);
        Thread input = new Thread(Load::readInput);
        input.start();
        Gson gson = new Gson();
        while (input.isAlive()) {
            System.out.println(gson.toJson(Map.of("calls", calls)));
            input.join(REPORT_MILLIS);
        }
        isStopped = true;
        for (Thread caller : callers) {
            caller.join();
        }
        System.out.println(gson.toJson(Map.of("calls", calls, "failures", failures, "acknowledged", acknowledged)));
    }

    private static void readInput() {
        try {
            System.in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Counts up until a write fails, each time under the etag of the last: one done twice would be refused. */
    private void write(String twinId) {
        CreateOrReplaceDigitalTwinRequest create = CreateOrReplaceDigitalTwinRequest.newBuilder()
                .setDigitalTwinId(twinId)
                .setDigitalTwin(counter("", 0))
                .setIfNoneMatch("*")
                .build();
        String etag = client.digitalTwins().createOrReplaceDigitalTwin(create).getEtag();
        for (long total = 0; ; total++) {
            calls.incrementAndGet();
            acknowledged.put(twinId, total);
            if (isStopped) {
                return;
            }
            UpdateDigitalTwinRequest step = UpdateDigitalTwinRequest.newBuilder()
                    .setDigitalTwinId(twinId)
                    .addAllPatch(new Patch().replace("/total", total + 1).operations())
                    .setIfMatch(etag)
                    .build();
            etag = client.digitalTwins().updateDigitalTwin(step).getEtag();
        }
    }

    /** Imports the same twins again and again, each time with a higher total, until an import fails. */
    private void importAll(String prefix) {
        for (long total = 0; !isStopped; total++) {
            importOnce(prefix, total);
            calls.incrementAndGet();
            acknowledged.put(prefix + "-" + (IMPORTED_TWINS - 1), total);
        }
    }

    private void importOnce(String prefix, long total) {
        Iterable<GraphItem> items = () -> IntStream.range(0, IMPORTED_TWINS)
                .mapToObj(number -> GraphItem.newBuilder()
                        .setDigitalTwin(counter(prefix + "-" + number, total))
                        .build())
                .iterator();
        try (CloseableIterator<ImportGraphResponse> reports =
                client.graphs().streamImport(ImportOptions.getDefaultInstance(), items)) {
            while (reports.hasNext()) {
                for (ImportResult result : reports.next().getResultsList()) {
                    TwinfrontException.fromStatus(result.getStatus()).ifPresent(failure -> {
                        throw failure;
                    });
                }
            }
        }
    }

    private static DigitalTwin counter(String twinId, long total) {
        return DigitalTwin.newBuilder()
                .setId(twinId)
                .setModelId("dtmi:rolling:Counter;1")
                .putProperties("total", Values.toValue(total))
                .build();
    }

    private void read(String twinId) {
        for (int number = 0; !isStopped; number++) {
            if (number % READS_PER_STREAM == 0) {
                noting(this::streamQuery);
            } else if (number % 2 == 1 && acknowledged.containsKey(twinId)) {
                noting(() -> readTwin(twinId));
            } else {
                noting(this::listModels);
            }
        }
    }

    private void streamQuery() {
        StreamQueryTwinsRequest request = StreamQueryTwinsRequest.newBuilder()
                .setQuery("SELECT * FROM digitaltwins")
                .build();
        try (CloseableIterator<QueryRow> rows = client.queries().streamQuery(request)) {
            rows.forEachRemaining(row -> {});
        }
        calls.incrementAndGet();
    }

    private void readTwin(String twinId) {
        client.digitalTwins()
                .getDigitalTwin(GetDigitalTwinRequest.newBuilder()
                        .setDigitalTwinId(twinId)
                        .build());
        calls.incrementAndGet();
    }

    private void listModels() {
        ListModelsRequest request = ListModelsRequest.getDefaultInstance();
        Listing.items(client.models()::listModels, request, ListModelsResponse::getModelsList)
                .forEach(model -> {});
        calls.incrementAndGet();
    }

    private void noting(Runnable call) {
        try {
            call.run();
        } catch (TwinfrontException e) {
            failures.merge(e.toString(), 1L, Long::sum);
        }
    }
}
