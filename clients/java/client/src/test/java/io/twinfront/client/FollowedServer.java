package io.twinfront.client;

import com.google.protobuf.Timestamp;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.twinfront.v1.Change;
import io.twinfront.v1.ChangeKind;
import io.twinfront.v1.ChangeServiceGrpc;
import io.twinfront.v1.Changes;
import io.twinfront.v1.Checkpoint;
import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.GetChangeLogRequest;
import io.twinfront.v1.GetChangeLogResponse;
import io.twinfront.v1.InitialItems;
import io.twinfront.v1.InitialStateEnd;
import io.twinfront.v1.ListModelsRequest;
import io.twinfront.v1.ListModelsResponse;
import io.twinfront.v1.Model;
import io.twinfront.v1.ModelServiceGrpc;
import io.twinfront.v1.Relationship;
import io.twinfront.v1.Reset;
import io.twinfront.v1.WatchRequest;
import io.twinfront.v1.WatchResponse;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** A server that answers each watch with the messages of the next stream; one more than there are stays open. */
final class FollowedServer implements AutoCloseable {
    static final String MODEL = "dtmi:example:Room;1";
    static final String SPECIAL = "dtmi:example:MeetingRoom;1";
    static final RuntimeException OK = new RuntimeException("no failure");
    static final RuntimeException OPEN = new RuntimeException("not ended");

    private final Map<String, String> extended =
            new ConcurrentHashMap<>(Map.of(MODEL, "[]", SPECIAL, "\"" + MODEL + "\""));

    private final Queue<Answer> answers = new ArrayDeque<>();
    private final List<WatchRequest> requests = new CopyOnWriteArrayList<>();
    private final LocalServer server = new LocalServer(new Following(), new Models());
    private final TwinfrontClient client = TwinfrontClient.create(server.target());
    private volatile long newest;
    private volatile RuntimeException modelsRefused;

    private record Answer(RuntimeException end, List<WatchResponse> messages) {}

    /** Has the next watch get these messages, and end so. */
    FollowedServer then(RuntimeException end, WatchResponse... messages) {
        answers.add(new Answer(end, List.of(messages)));
        return this;
    }

    /** Has the log's newest change made then. */
    FollowedServer newestAt(long seconds) {
        newest = seconds;
        return this;
    }

    /** Has a model extend others from now on: one, or a list in JSON. */
    void extending(String modelId, String others) {
        extended.put(modelId, others);
    }

    FollowedServer refusingModels(RuntimeException refusal) {
        modelsRefused = refusal;
        return this;
    }

    TwinfrontClient client() {
        return client;
    }

    List<WatchRequest> requests() {
        return requests;
    }

    List<String> tokens() {
        return requests.stream().map(WatchRequest::getResumeToken).toList();
    }

    @Override
    public void close() {
        client.close();
        server.close();
    }

    static DigitalTwin.Builder twin(String id, long n) {
        return DigitalTwin.newBuilder()
                .setId(id)
                .setEtag("W/\"" + n + "\"")
                .setModelId(MODEL)
                .setLastUpdateTime(Timestamp.newBuilder().setSeconds(100))
                .putProperties("n", Values.toValue(n));
    }

    static Relationship relationship(String source, String id, String target) {
        return Relationship.newBuilder()
                .setId(id)
                .setEtag("W/\"to " + target + "\"")
                .setSourceId(source)
                .setTargetId(target)
                .build();
    }

    static Change.Builder created(String id, DigitalTwin.Builder twin) {
        return change(id, ChangeKind.CHANGE_KIND_TWIN_CREATED, twin);
    }

    static Change.Builder updated(String id, DigitalTwin.Builder twin) {
        return change(id, ChangeKind.CHANGE_KIND_TWIN_UPDATED, twin);
    }

    static Change.Builder deleted(String id, DigitalTwin.Builder twin) {
        return change(id, ChangeKind.CHANGE_KIND_TWIN_DELETED, twin);
    }

    private static Change.Builder change(String id, ChangeKind kind, DigitalTwin.Builder twin) {
        return Change.newBuilder()
                .setId(id)
                .setKind(kind)
                .setTime(Timestamp.newBuilder().setSeconds(1000))
                .setDigitalTwinId(twin.getId())
                .setEtag(twin.getEtag())
                .setDigitalTwin(twin);
    }

    static Change.Builder related(String id, ChangeKind kind, Relationship relationship) {
        return Change.newBuilder()
                .setId(id)
                .setKind(kind)
                .setDigitalTwinId(relationship.getSourceId())
                .setRelationshipId(relationship.getId())
                .setEtag(relationship.getEtag())
                .setRelationship(relationship);
    }

    static WatchResponse changes(String token, Change.Builder... each) {
        Changes.Builder changes = Changes.newBuilder();
        for (Change.Builder change : each) {
            changes.addChanges(change);
        }
        return message(token).setChanges(changes).build();
    }

    static WatchResponse items(String token, DigitalTwin.Builder... each) {
        InitialItems.Builder items = InitialItems.newBuilder();
        for (DigitalTwin.Builder twin : each) {
            items.addDigitalTwins(twin);
        }
        return message(token).setInitialItems(items).build();
    }

    static WatchResponse items(String token, Relationship... each) {
        return message(token)
                .setInitialItems(InitialItems.newBuilder().addAllRelationships(List.of(each)))
                .build();
    }

    static WatchResponse endOfState(String token) {
        return message(token)
                .setInitialStateEnd(InitialStateEnd.getDefaultInstance())
                .build();
    }

    static WatchResponse checkpoint(String token, long seconds) {
        return message(token)
                .setCheckpoint(
                        Checkpoint.newBuilder().setTime(Timestamp.newBuilder().setSeconds(seconds)))
                .build();
    }

    static WatchResponse reset(String token) {
        return message(token)
                .setReset(Reset.newBuilder()
                        .setReason(Reset.Reason.REASON_BULK_JOB)
                        .setJobId("job"))
                .build();
    }

    static WatchResponse.Builder message(String token) {
        return WatchResponse.newBuilder().setResumeToken(token);
    }

    private final class Following extends ChangeServiceGrpc.ChangeServiceImplBase {
        @Override
        public void watch(WatchRequest request, StreamObserver<WatchResponse> observer) {
            ((ServerCallStreamObserver<WatchResponse>) observer).setOnCancelHandler(() -> {});
            requests.add(request);
            Answer answer = answers.isEmpty() ? new Answer(OPEN, List.of()) : answers.remove();
            answer.messages().forEach(observer::onNext);
            if (answer.end() == OK) {
                observer.onCompleted();
            } else if (answer.end() != OPEN) {
                observer.onError(answer.end());
            }
        }

        @Override
        public void getChangeLog(GetChangeLogRequest request, StreamObserver<GetChangeLogResponse> observer) {
            GetChangeLogResponse.Builder log = GetChangeLogResponse.newBuilder();
            if (newest > 0) {
                log.setNewestTime(Timestamp.newBuilder().setSeconds(newest));
            }
            observer.onNext(log.build());
            observer.onCompleted();
        }
    }

    /** Models that extend others; one that is not among them is not found. */
    private final class Models extends ModelServiceGrpc.ModelServiceImplBase {
        @Override
        public void listModels(ListModelsRequest request, StreamObserver<ListModelsResponse> observer) {
            if (modelsRefused != null) {
                observer.onError(modelsRefused);
                return;
            }
            if (!extended.keySet().containsAll(request.getDependenciesForList())) {
                observer.onError(Failures.of(io.grpc.Status.Code.NOT_FOUND, "MODEL_NOT_FOUND"));
                return;
            }
            ListModelsResponse.Builder response = ListModelsResponse.newBuilder();
            extended.forEach((id, others) -> response.addModels(Model.newBuilder()
                    .setId(id)
                    .setDtdlModel("{\"@id\": \"" + id + "\", \"extends\": " + others + "}")));
            observer.onNext(response.build());
            observer.onCompleted();
        }
    }
}
