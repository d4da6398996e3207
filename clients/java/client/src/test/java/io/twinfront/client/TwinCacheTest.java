package io.twinfront.client;

import static io.twinfront.client.FollowedServer.MODEL;
import static io.twinfront.client.FollowedServer.OK;
import static io.twinfront.client.FollowedServer.OPEN;
import static io.twinfront.client.FollowedServer.SPECIAL;
import static io.twinfront.client.FollowedServer.changes;
import static io.twinfront.client.FollowedServer.checkpoint;
import static io.twinfront.client.FollowedServer.created;
import static io.twinfront.client.FollowedServer.deleted;
import static io.twinfront.client.FollowedServer.endOfState;
import static io.twinfront.client.FollowedServer.items;
import static io.twinfront.client.FollowedServer.related;
import static io.twinfront.client.FollowedServer.relationship;
import static io.twinfront.client.FollowedServer.reset;
import static io.twinfront.client.FollowedServer.twin;
import static io.twinfront.client.FollowedServer.updated;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Timestamp;
import io.grpc.Status;
import io.twinfront.client.errors.CallCancelledException;
import io.twinfront.client.errors.ChangesUnsupportedException;
import io.twinfront.client.errors.DeadlineExceededException;
import io.twinfront.client.errors.PermissionDeniedException;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.client.errors.UnauthenticatedException;
import io.twinfront.v1.ChangeKind;
import io.twinfront.v1.Component;
import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.InitialState;
import io.twinfront.v1.OnExpired;
import io.twinfront.v1.WatchRequest;
import io.twinfront.v1.WatchResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The cache of digital twins: that it shows what the service has, and tells each change of it once. */
class TwinCacheTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final WatchResponse[] STATE = {items("s1", twin("a", 1), twin("b", 2)), endOfState("s2")};

    private final FollowedServer server = new FollowedServer();
    private final List<String> told = new ArrayList<>();

    @AfterEach
    void close() {
        server.close();
    }

    private TwinCache.Builder builder() {
        return TwinCache.builder(server.client());
    }

    /** Has callbacks noted as {@code +a}, {@code a 1>2} and {@code -a}. */
    private TwinCache.Builder noting(TwinCache.Builder builder) {
        return builder.added(after -> note("+" + after.id()))
                .changed((before, after) -> note(after.id() + " " + n(before) + ">" + n(after)))
                .removed(before -> note("-" + before.id()));
    }

    private void note(String line) {
        synchronized (told) {
            told.add(line);
        }
    }

    private List<String> told() {
        synchronized (told) {
            return List.copyOf(told);
        }
    }

    private static String n(Resource resource) {
        return resource.digitalTwin()
                .map(twin -> String.valueOf(twin.getPropertiesOrThrow("n").getIntValue()))
                .orElseGet(() -> resource.relationship().orElseThrow().getTargetId());
    }

    private static void until(BooleanSupplier holds) {
        assertTimeoutPreemptively(SOON, () -> {
            while (!holds.getAsBoolean()) {
                Thread.sleep(5);
            }
        });
    }

    private static List<String> ids(List<DigitalTwin> twins) {
        return twins.stream().map(DigitalTwin::getId).toList();
    }

    private static WatchResponse[] with(WatchResponse[] state, WatchResponse... more) {
        return Stream.concat(Arrays.stream(state), Arrays.stream(more)).toArray(WatchResponse[]::new);
    }

    /** Gives the cache that a stream makes, once so much of it was told. */
    private TwinCache toldOf(int count, WatchResponse... stream) {
        server.then(OPEN, stream);
        TwinCache cache = noting(builder().relationships()).start();
        until(() -> told().size() >= count);
        return cache;
    }

    @Test
    void aCacheShowsTheStateAndThenWhatChanges() {
        WatchResponse[] stream = with(
                STATE,
                changes("t1", created("c1", twin("c", 3)), updated("c2", twin("a", 10))),
                changes("t2", deleted("c3", twin("b", 2))));
        try (TwinCache cache = toldOf(5, stream)) {
            assertEquals(List.of("+a", "+b", "+c", "a 1>10", "-b"), told());
            assertTrue(cache.isSynced() && cache.error().isEmpty());
            assertEquals(List.of("a", "c"), ids(cache.list()));
            assertEquals(2, cache.size());
            assertEquals(
                    10, cache.get("a").orElseThrow().getPropertiesOrThrow("n").getIntValue());
            assertTrue(cache.get("b").isEmpty());
        }
    }

    @Test
    void theRequestIsForTheStateWhatFollowsAndTheResourceAfterEachChange() {
        server.then(OPEN, STATE);
        try (TwinCache cache = builder().modelIds(MODEL).relationships().start()) {
            cache.synced(SOON);
        }
        WatchRequest request = server.requests().get(0);
        assertEquals(InitialState.INITIAL_STATE_GRAPH, request.getInitialState());
        assertEquals(OnExpired.ON_EXPIRED_RESYNC, request.getOnExpired());
        assertEquals(List.of(MODEL), request.getFilter().getModelIdsList());
        assertEquals(List.of(1, 2, 3, 4, 5, 6), request.getFilter().getKindsValueList());
    }

    @Test
    void syncedWaitsForTheWholeState() {
        TwinCache cache = toldOf(1, items("s1", twin("a", 1)));
        assertFalse(cache.isSynced());
        assertThrows(DeadlineExceededException.class, () -> cache.synced(Duration.ofMillis(50)));
        cache.close();
        assertThrows(CallCancelledException.class, () -> cache.synced(SOON));
    }

    @Test
    void relationshipsAreFoundFromBothEnds() {
        WatchResponse[] stream = {
            items("s1", twin("a", 1), twin("b", 2)),
            items("s2", relationship("a", "r1", "b"), relationship("a", "r2", "b")),
            endOfState("s3"),
            changes(
                    "t1",
                    related("c1", ChangeKind.CHANGE_KIND_RELATIONSHIP_DELETED, relationship("a", "r1", "b")),
                    related("c2", ChangeKind.CHANGE_KIND_RELATIONSHIP_CREATED, relationship("a", "r2", "a")))
        };
        try (TwinCache cache = toldOf(6, stream)) {
            assertEquals(List.of("+a", "+b", "+r1", "+r2", "-r1", "r2 b>a"), told());
            assertEquals(List.of(relationship("a", "r2", "a")), cache.relationships("a"));
            assertEquals(List.of(relationship("a", "r2", "a")), cache.incomingRelationships("a"));
            assertEquals(List.of(), cache.incomingRelationships("b"));
            assertTrue(cache.getRelationship("a", "r1").isEmpty());
            assertEquals("a", cache.getRelationship("a", "r2").orElseThrow().getTargetId());
        }
    }

    @Test
    void theRelationshipsOfATwinThatIsGoneGoBeforeIt() {
        WatchResponse[] stream = {
            items("s1", twin("a", 1), twin("b", 2)),
            items("s2", relationship("a", "r", "b"), relationship("b", "q", "a")),
            endOfState("s3"),
            changes("t1", deleted("c1", twin("a", 1))),
            reset("r1"),
            endOfState("r2")
        };
        toldOf(8, stream).close();
        assertEquals(List.of("-r", "-a", "-q", "-b"), told().subList(4, 8));
    }

    @Test
    void withATwinThatIsGoneForThisCallerGoThoseThatPointToIt() {
        WatchResponse[] stream = {
            items("s1", twin("a", 1), twin("b", 2)),
            items("s2", relationship("a", "r", "b"), relationship("b", "q", "a")),
            endOfState("s3"),
            changes("t1", deleted("c1", twin("a", 1)).setIncomingRelationshipsLeft(true))
        };
        try (TwinCache cache = toldOf(7, stream)) {
            assertEquals(List.of("-r", "-q", "-a"), told().subList(4, 7));
            assertEquals(List.of(), cache.relationships("b"));
        }
    }

    @Test
    void withARelationshipThatIsDeletedGoesNoOtherOne() {
        WatchResponse[] stream = {
            items("s1", twin("a", 1), twin("b", 2)),
            items("s2", relationship("a", "r", "b"), relationship("b", "q", "a")),
            endOfState("s3"),
            changes(
                    "t1",
                    related("c1", ChangeKind.CHANGE_KIND_RELATIONSHIP_DELETED, relationship("a", "r", "b"))
                            .setIncomingRelationshipsLeft(true),
                    updated("c2", twin("b", 3)))
        };
        try (TwinCache cache = toldOf(6, stream)) {
            assertEquals(List.of("-r", "b 2>3"), told().subList(4, 6));
            assertEquals(1, cache.relationships("b").size());
        }
    }

    @Test
    void twinsAreListedByModelWithItsDescendantsAndByPrefix() {
        WatchResponse state = items(
                "s1",
                twin("room-2", 1),
                twin("room-1", 1).setModelId(SPECIAL),
                twin("hall", 1),
                twin("x", 1).setModelId("dtmi:gone;1"));
        WatchResponse moved = changes("t1", updated("c1", twin("hall", 2).setModelId(SPECIAL)));
        try (TwinCache cache = toldOf(5, state, endOfState("s2"), moved)) {
            assertEquals(List.of("hall", "room-1"), ids(cache.listByModel(SPECIAL)));
            assertEquals(List.of("hall", "room-1", "room-2"), ids(cache.listByModel(MODEL)));
            assertEquals(List.of("x"), ids(cache.listByModel("dtmi:gone;1")), "nobody knows what it extended");
            assertEquals(List.of("room-1", "room-2"), ids(cache.listByPrefix("room-")));
            assertEquals(List.of(), cache.listByPrefix("s"));
        }
    }

    @Test
    void aCallerWhoMayNotReadModelsIsToldSoWhenHeListsByModel() {
        server.refusingModels(Failures.of(Status.Code.PERMISSION_DENIED, "PERMISSION_DENIED"));
        try (TwinCache cache = toldOf(2, STATE)) {
            cache.synced(SOON);
            assertThrows(PermissionDeniedException.class, () -> cache.listByModel(MODEL));
        }
    }

    @Test
    void twinsAreFoundByTheValueOfAProperty() {
        Component thermostat = Component.newBuilder()
                .putProperties("setpoint", Values.toValue(20))
                .build();
        Map<String, Object> nothing = new LinkedHashMap<>();
        nothing.put("nothing", null);
        WatchResponse state = items(
                "s1",
                twin("a", 1)
                        .putComponents("thermostat", thermostat)
                        .putProperties("labels", Values.toValue(Map.of("a/b", List.of(1.0, "x"))))
                        .putAllProperties(Values.toValues(nothing)),
                twin("b", 1).putProperties("n", Values.toValue(1.5)),
                twin("c", 1).putProperties("n", Values.toValue(true)));
        server.then(OPEN, state, endOfState("s2"), changes("t1", updated("c1", twin("b", 7))));
        String[] pointers = {"/n", "/thermostat/setpoint", "/thermostat", "/labels/a~1b", "/nothing"};
        try (TwinCache cache = builder().indexed(pointers).start()) {
            until(() -> !cache.find("/n", 7).isEmpty());
            assertEquals(List.of(), cache.find("/n", 1.5));
            assertEquals(List.of("a"), ids(cache.find("/n", 1.0)));
            assertEquals(List.of("c"), ids(cache.find("/n", true)));
            assertEquals(List.of("a"), ids(cache.find("/thermostat/setpoint", 20.0)));
            assertEquals(List.of("a"), ids(cache.find("/thermostat", Map.of("setpoint", 20))));
            assertEquals(List.of("a"), ids(cache.find("/labels/a~1b", List.of(1, "x"))));
            assertEquals(List.of("a"), ids(cache.find("/nothing", null)));
            assertThrows(IllegalArgumentException.class, () -> cache.find("/m", 1));
        }
    }

    @Test
    void aCacheGoesOnWhereItsStreamEndsAndTellsNothingTwice() {
        for (RuntimeException end :
                List.of(Status.UNAVAILABLE.asRuntimeException(), Status.INTERNAL.asRuntimeException(), OK)) {
            told.clear();
            server.requests().clear();
            server.then(end, STATE[0])
                    .then(end, STATE[1])
                    .then(end, changes("t1", updated("c1", twin("a", 5))))
                    .then(end, changes("t2", updated("c1", twin("a", 5)), updated("c2", twin("a", 6))));
            try (TwinCache cache = noting(builder()).start()) {
                until(() -> told().size() >= 4);
                cache.synced(SOON);
                until(() -> server.requests().size() > 4);
            }
            assertEquals(List.of("+a", "+b", "a 1>5", "a 5>6"), told());
            assertEquals(List.of("", "s1", "s2", "t1", "t2"), server.tokens().subList(0, 5));
        }
    }

    @Test
    void aCacheThatCannotBeFollowedEndsAndSaysWhy() {
        Map<RuntimeException, Class<? extends TwinfrontException>> refusals = Map.of(
                Failures.of(Status.Code.UNIMPLEMENTED, "CHANGES_UNSUPPORTED"),
                ChangesUnsupportedException.class,
                Failures.of(Status.Code.PERMISSION_DENIED, "PERMISSION_DENIED"),
                PermissionDeniedException.class,
                Failures.of(Status.Code.UNAUTHENTICATED, "CREDENTIALS_INVALID"),
                UnauthenticatedException.class);
        refusals.forEach((refusal, error) -> {
            server.requests().clear();
            server.then(refusal);
            try (TwinCache cache = builder().start()) {
                assertThrows(error, () -> cache.synced(SOON));
                assertEquals(error, cache.error().orElseThrow().getClass());
            }
            assertEquals(1, server.requests().size());
        });
    }

    @Test
    void credentialsThatWereGoodOnceAreTriedAgain() {
        server.then(Failures.of(Status.Code.UNAUTHENTICATED, "CREDENTIALS_INVALID"), STATE)
                .then(OPEN, changes("t1", deleted("c1", twin("a", 1))));
        try (TwinCache cache = builder().start()) {
            until(() -> cache.isSynced() && cache.size() == 1);
        }
    }

    @Test
    void behindAResetOnlyWhatIsAnotherIsTold() {
        WatchResponse[] stream =
                with(STATE, reset("r1"), items("r2", twin("a", 1)), items("r3", twin("c", 3)), endOfState("r4"));
        toldOf(4, stream).close();
        assertEquals(List.of("+a", "+b", "+c", "-b"), told());
    }

    @Test
    void whatIsToldWhileTheStateComesIsPartOfIt() {
        WatchResponse[] stream = {
            items("s1", twin("a", 1)),
            changes("s2", created("c1", twin("b", 2)), updated("c2", twin("a", 3))),
            endOfState("s3"),
            changes("t1", created("c3", twin("c", 1)))
        };
        try (TwinCache cache = toldOf(4, stream)) {
            assertEquals(3, cache.size());
        }
        assertEquals(List.of("+a", "+b", "a 1>3", "+c"), told());
    }

    @Test
    void behindAResetAModelMayBeAnotherOne() {
        server.then(
                        Status.UNAVAILABLE.asRuntimeException(),
                        items("s1", twin("a", 1).setModelId(SPECIAL)),
                        endOfState("s2"))
                .then(OPEN, reset("r1"), items("r2", twin("a", 2).setModelId(SPECIAL)), endOfState("r3"));
        CompletableFuture<TwinCache> itself = new CompletableFuture<>();
        TwinCache.Builder builder = builder()
                .added(after -> {
                    note(String.valueOf(itself.join().listByModel(MODEL).size()));
                    server.extending(SPECIAL, "[]");
                })
                .changed((before, after) ->
                        note(String.valueOf(itself.join().listByModel(MODEL).size())));
        try (TwinCache cache = builder.start()) {
            itself.complete(cache);
            until(() -> told().size() == 2);
        }
        assertEquals(List.of("1", "0"), told());
    }

    @Test
    void aTokenThatIsNoLongerGoodHasTheStateReadAnew() {
        server.then(Failures.of(Status.Code.INVALID_ARGUMENT, "RESUME_TOKEN_INVALID"), STATE)
                .then(OPEN, items("s1", twin("a", 1)), endOfState("s2"));
        try (TwinCache cache = noting(builder()).start()) {
            until(() -> told().size() >= 3);
            assertEquals(List.of("a"), ids(cache.list()));
        }
        assertEquals(List.of("+a", "+b", "-b"), told());
        assertEquals("", server.tokens().get(1));
    }

    @Test
    void withoutEtagsOfChangesTheTimeOfATwinSaysWhatItHasInItAlready() {
        Timestamp then = Timestamp.newBuilder().setSeconds(100).build();
        Timestamp later = Timestamp.newBuilder().setSeconds(101).build();
        WatchResponse message = changes(
                "t1",
                created("c1", twin("a", 9)).clearEtag().setTime(then),
                deleted("c2", twin("a", 9)).clearEtag().setTime(then),
                deleted("c3", twin("b", 2)).clearEtag().setTime(then).clearDigitalTwin(),
                updated("c4", twin("a", 6)).clearEtag().setTime(later));
        toldOf(4, with(STATE, message)).close();
        assertEquals(
                List.of("+a", "+b", "-b", "a 1>6"), told(), "one that leaves what is watched was not deleted before");
    }

    @Test
    void aSavedCacheIsToldWhatItHasMissedAndNoMore() {
        TwinCache cache = toldOf(2, STATE);
        cache.synced(SOON);
        cache.close();
        told.clear();
        server.requests().clear();
        server.newestAt(1500).then(OPEN, changes("t1", updated("c1", twin("a", 5))), checkpoint("t2", 2000));
        try (TwinCache again =
                noting(builder().relationships().saved(cache.save())).start()) {
            assertEquals(2, again.size());
            again.synced(SOON);
        }
        assertEquals(List.of("a 1>5"), told());
        WatchRequest request = server.requests().get(0);
        assertEquals("s2", request.getResumeToken());
        assertEquals(2, request.getCheckpointInterval().getSeconds());
    }

    @Test
    void whatIsSavedBeforeTheStateHasComeIsComparedWithIt() {
        TwinCache cache = toldOf(2, items("s1", twin("a", 1), twin("b", 2)));
        cache.close();
        told.clear();
        server.requests().clear();
        server.then(OPEN, items("s1", twin("b", 2)), endOfState("s2"));
        try (TwinCache again = noting(builder().saved(cache.save())).start()) {
            again.synced(SOON);
        }
        assertEquals(List.of("-a"), told());
        assertEquals("", server.tokens().get(0));
    }

    /** Gives what a cache saved while it told something. */
    private byte[] savedWhile(String line, WatchResponse... stream) {
        Map<String, byte[]> states = new LinkedHashMap<>();
        CompletableFuture<TwinCache> itself = new CompletableFuture<>();
        server.then(OPEN, stream);
        TwinCache cache = builder()
                .changed((before, after) -> {
                    byte[] state = itself.join().save();
                    synchronized (states) {
                        states.put(after.id() + " " + n(before) + ">" + n(after), state);
                    }
                })
                .removed(before -> {
                    byte[] state = itself.join().save();
                    synchronized (states) {
                        states.put("-" + before.id(), state);
                    }
                })
                .start();
        itself.complete(cache);
        until(() -> {
            synchronized (states) {
                return states.containsKey(line);
            }
        });
        cache.close();
        server.requests().clear();
        return states.get(line);
    }

    @Test
    void whatIsSavedWithinAMessageIsToldOnceAfterTheRestart() {
        WatchResponse message =
                changes("t1", updated("c2", twin("a", 2)), updated("c3", twin("a", 3)), updated("c4", twin("a", 4)));
        byte[] saved = savedWhile("a 2>3", with(STATE, message));
        server.newestAt(2000).then(OPEN, message);
        try (TwinCache again = noting(builder().saved(saved)).start()) {
            until(() -> told().size() >= 2);
            assertEquals(2, again.size());
        }
        assertEquals(List.of("a 2>3", "a 3>4"), told(), "the one that was being told, and those behind it");
    }

    @Test
    void whatIsSavedWhileAStateEndsIsComparedWithTheWholeState() {
        byte[] saved = savedWhile("-b", with(STATE, reset("r1"), items("r2", twin("a", 1)), endOfState("r3")));
        server.then(OPEN, items("r2", twin("a", 1)), endOfState("r3"));
        try (TwinCache again = noting(builder().saved(saved)).start()) {
            again.synced(SOON);
            assertEquals(List.of("a"), ids(again.list()));
        }
        assertEquals(List.of("-b"), told());
        assertEquals("", server.tokens().get(0));
    }

    @Test
    void whatWasNotSavedByACacheIsRefused() {
        byte[] saved = toldOf(2, STATE).save();
        for (byte[] nothing : List.of(
                new byte[0],
                "{}".getBytes(),
                "twinfront cache 1\n".getBytes(),
                "twinfront cache 2\n\0\0".getBytes(),
                Arrays.copyOf(saved, saved.length - 1),
                Arrays.copyOf(saved, saved.length + 1))) {
            TwinCache.Builder builder = builder().saved(nothing);
            assertThrows(IllegalArgumentException.class, builder::start);
        }
    }

    @Test
    void aCallbackThatThrowsDoesNotEndTheCache() {
        server.then(OPEN, STATE);
        TwinCache.Builder builder = builder().added(after -> {
            throw new IllegalStateException("no room for " + after.id());
        });
        try (TwinCache cache = builder.start()) {
            cache.synced(SOON);
            assertEquals(2, cache.size());
        }
    }

    @Test
    void closingACacheEndsItWhereverItIs() {
        server.then(OPEN, STATE).then(OPEN).then(Failures.unavailableFor(50));
        assertTimeoutPreemptively(SOON, () -> {
            for (int number = 0; number < 3; number++) {
                TwinCache cache = builder().start();
                Thread.sleep(100);
                cache.close();
            }
        });
    }

    @Test
    void aCallbackMayCloseTheCacheAndIsTheLastOne() {
        CompletableFuture<TwinCache> itself = new CompletableFuture<>();
        server.then(OPEN, STATE);
        TwinCache cache = builder()
                .added(after -> {
                    itself.join().close();
                    note("+" + after.id());
                })
                .start();
        itself.complete(cache);
        assertThrows(CallCancelledException.class, () -> cache.synced(SOON));
        assertTimeoutPreemptively(SOON, cache::close);
        assertEquals(List.of("+a"), told());
    }

    @Test
    void aClientThatIsClosedEndsTheCache() {
        try (TwinCache cache = toldOf(2, STATE)) {
            cache.synced(SOON);
            server.client().close();
            until(() -> cache.error().isPresent());
        }
    }
}
