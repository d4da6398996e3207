package io.twinfront.client;

import static io.twinfront.client.FollowedServer.OK;
import static io.twinfront.client.FollowedServer.OPEN;
import static io.twinfront.client.FollowedServer.changes;
import static io.twinfront.client.FollowedServer.checkpoint;
import static io.twinfront.client.FollowedServer.created;
import static io.twinfront.client.FollowedServer.endOfState;
import static io.twinfront.client.FollowedServer.items;
import static io.twinfront.client.FollowedServer.message;
import static io.twinfront.client.FollowedServer.relationship;
import static io.twinfront.client.FollowedServer.reset;
import static io.twinfront.client.FollowedServer.twin;
import static io.twinfront.client.FollowedServer.updated;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Timestamp;
import io.grpc.Status;
import io.twinfront.client.errors.ChangesExpiredException;
import io.twinfront.client.errors.ChangesUnsupportedException;
import io.twinfront.client.errors.ResumeTokenInvalidException;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.client.errors.UnavailableException;
import io.twinfront.v1.ChangeFilter;
import io.twinfront.v1.Reset;
import io.twinfront.v1.WatchRequest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Watches: what they tell, and how they go on where their streams end. */
class WatchTest {
    private final FollowedServer server = new FollowedServer();

    @AfterEach
    void close() {
        server.close();
    }

    private Watch watch(WatchRequest.Builder request) {
        return server.client().changes().streamChanges(request.build());
    }

    private Watch watch() {
        return watch(WatchRequest.newBuilder());
    }

    private static List<WatchItem> read(Watch watch, int count) {
        List<WatchItem> items = new ArrayList<>();
        while (items.size() < count) {
            items.add(watch.next());
        }
        watch.close();
        return items;
    }

    private static List<String> ids(List<WatchItem> items) {
        return items.stream()
                .filter(WatchItem.Change.class::isInstance)
                .map(item -> ((WatchItem.Change) item).change().getId())
                .toList();
    }

    @Test
    void everyKindOfItemIsToldWithTheTokenBehindIt() {
        server.then(
                OPEN,
                items("t1", twin("a", 1)),
                items("t2", relationship("a", "r", "b")),
                endOfState("t3"),
                checkpoint("t4", 7),
                message("t5").build(),
                reset("t6"),
                changes("t7", updated("c1", twin("a", 2)), updated("c2", twin("a", 3))));
        List<WatchItem> told = read(watch(), 7);
        assertEquals(
                List.of("t1", "t2", "t3", "t4", "t6", "t6", "t7"),
                told.stream().map(WatchItem::resumeToken).toList(),
                "of a message only the last item has its token");
        assertEquals(new WatchItem.InitialItem(Resource.of(twin("a", 1).build()), "t1"), told.get(0));
        assertEquals(new WatchItem.InitialItem(Resource.of(relationship("a", "r", "b")), "t2"), told.get(1));
        assertEquals(new WatchItem.InitialStateEnd("t3"), told.get(2));
        assertEquals(new WatchItem.Checkpoint(Instant.ofEpochSecond(7), "t4"), told.get(3));
        assertEquals(new WatchItem.Reset(Reset.Reason.REASON_BULK_JOB, "job", "t6"), told.get(4));
        WatchItem.Change change = assertInstanceOf(WatchItem.Change.class, told.get(5));
        assertEquals(updated("c1", twin("a", 2)).build(), change.change());
    }

    @Test
    void aWatchGoesOnBehindTheLastMessageWhereverItsStreamEnds() {
        for (RuntimeException end : List.of(
                Status.UNAVAILABLE.asRuntimeException(),
                Failures.of(Status.Code.UNAVAILABLE, "SERVER_DRAINING"),
                Failures.of(Status.Code.UNAVAILABLE, "STREAM_NOT_READ"),
                OK)) {
            server.requests().clear();
            for (int number = 1; number <= 7; number++) {
                server.then(end, changes("t" + number, created("c" + number, twin("a", number))));
            }
            ChangeFilter filter =
                    ChangeFilter.newBuilder().addDigitalTwinIds("a").build();
            List<WatchItem> told =
                    read(watch(WatchRequest.newBuilder().setFilter(filter).setStartTime(Timestamp.newBuilder())), 7);
            assertEquals(List.of("c1", "c2", "c3", "c4", "c5", "c6", "c7"), ids(told));
            assertEquals(
                    List.of("", "t1", "t2", "t3", "t4", "t5", "t6"),
                    server.tokens().subList(0, 7));
            assertEquals(
                    List.of(true, false),
                    server.requests().stream()
                            .limit(2)
                            .map(WatchRequest::hasStartTime)
                            .toList());
            assertFalse(server.requests().stream()
                    .anyMatch(request -> !request.getFilter().equals(filter)));
        }
    }

    @Test
    void aWatchBeginsAtTheTokenThatIsGiven() {
        server.then(Status.UNAVAILABLE.asRuntimeException()).then(OPEN, checkpoint("t2", 1));
        Watch watch = watch(WatchRequest.newBuilder().setResumeToken("t1"));
        assertEquals("t1", watch.resumeToken());
        read(watch, 1);
        assertEquals("t2", watch.resumeToken());
        assertEquals(List.of("t1", "t1"), server.tokens());
    }

    @Test
    void aChangeThatComesAgainAfterABreakIsToldOnce() {
        server.then(
                        Status.UNAVAILABLE.asRuntimeException(),
                        changes("t1", created("c1", twin("a", 1)), updated("c2", twin("a", 2))))
                .then(OPEN, changes("t2", updated("c2", twin("a", 2)), updated("c3", twin("a", 3))));
        assertEquals(List.of("c1", "c2", "c3"), ids(read(watch(), 3)));
    }

    @Test
    void behindAResetAChangeIsToldAgainAsTheStateMayBeFromBeforeIt() {
        server.then(
                OPEN,
                changes("t1", updated("c1", twin("a", 2))),
                reset("t2"),
                items("t3", twin("a", 1)),
                changes("t4", updated("c1", twin("a", 2))));
        assertEquals(List.of("c1", "c1"), ids(read(watch(), 4)));
    }

    @Test
    void aWatchThatBringsNothingIsGivenUp() {
        for (int stream = 0; stream < 10; stream++) {
            server.then(OK);
        }
        UnavailableException givenUp = assertThrows(UnavailableException.class, watch()::hasNext);
        assertEquals(
                List.of(5, 5), List.of(givenUp.getAttempts(), server.requests().size()));
    }

    @Test
    void aWatchThatIsLedNowhereIsGivenUp() {
        for (int stream = 0; stream < 10; stream++) {
            server.then(OK, checkpoint("t1", 1));
        }
        assertThrows(UnavailableException.class, () -> read(watch(), 20));
    }

    @Test
    void aMessageWithoutATokenIsAnAnswerThatCannotBeRead() {
        server.then(OPEN, checkpoint("", 1));
        TwinfrontException unread = assertThrows(TwinfrontException.class, watch()::next);
        assertEquals(Status.Code.INTERNAL, unread.getCode());
    }

    @Test
    void aWatchThatCannotGoOnSaysWhyAtOnce() {
        server.then(Failures.of(Status.Code.OUT_OF_RANGE, "CHANGES_EXPIRED"))
                .then(Failures.of(Status.Code.INVALID_ARGUMENT, "RESUME_TOKEN_INVALID"))
                .then(Failures.of(Status.Code.UNIMPLEMENTED, "CHANGES_UNSUPPORTED"));
        assertThrows(ChangesExpiredException.class, watch()::next);
        assertThrows(ResumeTokenInvalidException.class, watch()::next);
        assertThrows(ChangesUnsupportedException.class, watch()::next);
        assertEquals(3, server.requests().size());
    }

    @Test
    void closingAWatchEndsTheLoopThatWaitsForIt() throws Exception {
        for (RuntimeException end : List.of(OPEN, Failures.unavailableFor(50))) {
            server.then(end, checkpoint("t1", 1));
            Watch watch = watch();
            watch.next();
            CompletableFuture<Boolean> waiting = CompletableFuture.supplyAsync(watch::hasNext);
            TimeUnit.MILLISECONDS.sleep(100);
            watch.close();
            assertFalse(waiting.get(10, TimeUnit.SECONDS));
            assertFalse(watch.hasNext());
        }
    }
}
