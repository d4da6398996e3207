package io.twinfront.client;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import io.grpc.Context;
import io.grpc.Status;
import io.twinfront.client.errors.NotFoundException;
import io.twinfront.client.errors.PermissionDeniedException;
import io.twinfront.client.errors.ResumeTokenInvalidException;
import io.twinfront.client.errors.ThrottledException;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.client.errors.UnavailableException;
import io.twinfront.v1.GetChangeLogRequest;
import io.twinfront.v1.GetChangeLogResponse;
import io.twinfront.v1.ListModelsRequest;
import io.twinfront.v1.ListModelsResponse;
import io.twinfront.v1.Model;
import io.twinfront.v1.WatchRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;

/** Keeps a cache as the graph is, in a thread of its own. */
final class CacheFollower {
    private static final System.Logger LOG = System.getLogger("io.twinfront.client");
    /** Between checkpoints of a cache that goes on from a saved state: the sooner they come, the sooner it is known to be whole. */
    private static final Duration CATCHING_UP =
            Duration.newBuilder().setSeconds(2).build();

    private final TwinfrontClient client;
    private final WatchRequest request;
    private final CachedGraph graph;
    private final BiConsumer<Resource, Resource> tell; // what it was, and what it is; null for nothing
    private final Lineage lineage = new Lineage();
    private final CountDownLatch settled = new CountDownLatch(1); // it is synced, or has ended
    private final Context.CancellableContext context = Context.ROOT.withCancellation(); // of all its calls and pauses
    private final Thread thread = new Thread(context.wrap(this::run), "twinfront-cache");
    private volatile boolean isSynced;
    private volatile TwinfrontException error; // null for none
    private volatile PermissionDeniedException modelsHidden; // why models cannot be read; null if they can
    private Timestamp newest; // when the newest change was made before it went on; null once all until then has come
    private long messages;

    CacheFollower(
            TwinfrontClient client, WatchRequest request, CachedGraph graph, BiConsumer<Resource, Resource> tell) {
        this.client = client;
        this.request = request;
        this.graph = graph;
        this.tell = tell;
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    boolean isSynced() {
        return isSynced;
    }

    Optional<TwinfrontException> error() {
        return Optional.ofNullable(error);
    }

    boolean descends(String modelId, String ancestor) {
        PermissionDeniedException hidden = modelsHidden;
        if (hidden != null) {
            throw hidden;
        }
        return lineage.descends(modelId, ancestor);
    }

    void synced(java.time.Duration timeout) {
        boolean hasSettled;
        try {
            hasSettled = settled.await(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw Backoff.interrupted(e);
        }
        TwinfrontException failure = error;
        if (isSynced) {
            return;
        }
        if (hasSettled) {
            throw failure != null
                    ? failure
                    : TwinfrontException.from(Status.CANCELLED.withDescription("The cache was closed."), null);
        }
        Status late = Status.DEADLINE_EXCEEDED.withDescription(
                "The cache has not shown a whole state yet; it failed last with " + failure);
        throw TwinfrontException.from(late.withCause(failure), null);
    }

    void close() {
        context.cancel(null);
        if (Thread.currentThread() == thread) {
            return;
        }
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            int failures = 0;
            while (!context.isCancelled()) {
                long before = messages;
                java.time.Duration wait = java.time.Duration.ZERO;
                try {
                    follow();
                } catch (TwinfrontException e) {
                    if (context.isCancelled()) {
                        return;
                    }
                    error = e;
                    wait = asked(e);
                    if (e instanceof ResumeTokenInvalidException
                            && !graph.resumeToken().isEmpty()) {
                        graph.beginAnew();
                    } else if (client.isClosed() || cannotGoOn(e)) {
                        LOG.log(System.Logger.Level.ERROR, "a cache of digital twins has ended", e);
                        return;
                    }
                }
                failures = messages > before ? 1 : failures + 1;
                java.time.Duration pause = Backoff.after(failures);
                Backoff.sleep(pause.compareTo(wait) < 0 ? wait : pause);
            }
        } finally {
            settled.countDown();
        }
    }

    /** Gives the time that the server asks to wait. */
    private static java.time.Duration asked(TwinfrontException failure) {
        Optional<java.time.Duration> asked = Optional.empty();
        if (failure instanceof UnavailableException unavailable) {
            asked = unavailable.getRetryAfter();
        } else if (failure instanceof ThrottledException throttled) {
            asked = throttled.getRetryAfter();
        }
        return asked.orElse(java.time.Duration.ZERO);
    }

    /** Tells whether it would fail so again, however often it is tried: credentials that were good once may be so again. */
    private boolean cannotGoOn(TwinfrontException failure) {
        return switch (failure.getCode()) {
            case UNAUTHENTICATED -> messages == 0;
            case UNIMPLEMENTED, INVALID_ARGUMENT, PERMISSION_DENIED, CANCELLED -> true;
            default -> false;
        };
    }

    /** Follows the changes until that breaks, from where the graph is. */
    private void follow() {
        if (!graph.isListing() && !isSynced) {
            GetChangeLogResponse log = client.changes().getChangeLog(GetChangeLogRequest.getDefaultInstance());
            newest = log.hasNewestTime() ? log.getNewestTime() : null;
            if (newest == null) {
                hasSynced();
            }
        }
        learn(graph.models());
        WatchRequest.Builder next = request.toBuilder().setResumeToken(graph.resumeToken());
        if (newest != null) {
            next.setCheckpointInterval(CATCHING_UP);
        }
        try (Watch watch = client.changes().streamChanges(next.build(), graph.handledIds())) {
            List<WatchItem> items = watch.nextMessage();
            while (items != null && !context.isCancelled()) {
                messages++;
                if (!take(items)) {
                    return;
                }
                graph.reached(watch.reached());
                error = null;
                items = watch.nextMessage();
            }
        }
    }

    /** Takes a message; false if the cache was closed meanwhile: whoever goes on then takes it from where it was. */
    private boolean take(List<WatchItem> items) {
        learn(items.stream()
                .map(CacheFollower::modelOf)
                .flatMap(Optional::stream)
                .toList());
        for (WatchItem item : items) {
            if (!take(item)) {
                return false;
            }
        }
        return true;
    }

    private boolean take(WatchItem item) {
        if (item instanceof WatchItem.Reset) {
            graph.beginListing();
            lineage.mayBeOthers();
        } else if (item instanceof WatchItem.InitialItem initial) {
            return tell(graph.listed(initial.resource()));
        } else if (item instanceof WatchItem.InitialStateEnd) {
            if (!tell(graph.unlisted())) {
                return false;
            }
            graph.endListing(item.resumeToken());
            hasSynced();
        } else if (item instanceof WatchItem.Change told) {
            if (!tell(graph.changed(told.change()))) {
                return false;
            }
            graph.handled(told.change().getId());
            knowsAllUntil(told.change().getTime());
        } else if (item instanceof WatchItem.Checkpoint checkpoint) {
            knowsAllUntil(Timestamp.newBuilder()
                    .setSeconds(checkpoint.time().getEpochSecond())
                    .setNanos(checkpoint.time().getNano())
                    .build());
        }
        return true;
    }

    /** Takes steps, one after the other, and tells each; false if not all were, as the cache was closed. */
    private boolean tell(List<CachedGraph.Step> steps) {
        for (CachedGraph.Step step : steps) {
            if (context.isCancelled()) {
                return false;
            }
            Resource before = graph.take(step);
            // Calls that a callback makes are its own, and do not end with the cache.
            Context.ROOT.run(() -> {
                try {
                    if (before != null || step.after() != null) {
                        tell.accept(before, step.after());
                    }
                } catch (RuntimeException e) {
                    LOG.log(System.Logger.Level.ERROR, "a callback of a cache of digital twins has failed", e);
                }
            });
            graph.done();
        }
        return true;
    }

    /** Reads the models of twins of which nothing is known, to find them by the models that these extend. */
    private void learn(List<String> modelIds) {
        List<String> unknown = lineage.unknown(modelIds);
        if (unknown.isEmpty() || modelsHidden != null) {
            return;
        }
        try {
            lineage.learn(unknown, definitions(unknown));
        } catch (NotFoundException e) {
            unknown.forEach(this::learnAlone);
        } catch (PermissionDeniedException e) {
            modelsHidden = e;
        }
    }

    private void learnAlone(String modelId) {
        List<Model> models = new ArrayList<>();
        try {
            models.addAll(definitions(List.of(modelId)));
        } catch (NotFoundException e) {
            // It is gone, and nobody knows what it extended.
        }
        lineage.learn(List.of(modelId), models);
    }

    private List<Model> definitions(List<String> modelIds) {
        ListModelsRequest wanted = ListModelsRequest.newBuilder()
                .addAllDependenciesFor(modelIds)
                .setIncludeModelDefinition(true)
                .build();
        return Listing.items(client.models()::listModels, wanted, ListModelsResponse::getModelsList).stream()
                .toList();
    }

    private static Optional<String> modelOf(WatchItem item) {
        if (item instanceof WatchItem.InitialItem initial) {
            return initial.resource().digitalTwin().map(twin -> twin.getModelId());
        }
        return item instanceof WatchItem.Change told && told.change().hasDigitalTwin()
                ? Optional.of(told.change().getDigitalTwin().getModelId())
                : Optional.empty();
    }

    /** Notes how far the changes have come: a saved state is whole again when it has caught up. */
    private void knowsAllUntil(Timestamp time) {
        if (newest != null && CachedGraph.ORDER_OF_TIMES.compare(time, newest) >= 0) {
            hasSynced();
        }
    }

    private void hasSynced() {
        newest = null;
        isSynced = true;
        settled.countDown();
    }
}
