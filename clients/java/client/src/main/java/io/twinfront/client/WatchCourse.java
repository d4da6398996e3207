package io.twinfront.client;

import com.google.protobuf.Timestamp;
import io.grpc.ClientCall;
import io.grpc.Status;
import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.v1.Reset;
import io.twinfront.v1.WatchRequest;
import io.twinfront.v1.WatchResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Follows a watch through all its streams.
 *
 * <p>A change that comes again, as one may after a break, has the id that it had; the last of them are remembered. Not beyond a
 * reset: the state that follows it may be from before such a change, which has to be told once more.
 */
final class WatchCourse implements Resumption<WatchRequest, WatchResponse> {
    private static final int REMEMBERED = 1000;

    private final Set<String> told;
    private WatchRequest request;
    private String read; // the token of the last message whose items were taken

    /** Begins as a request says, behind whose token changes with these ids were told. */
    WatchCourse(WatchRequest request, List<String> told) {
        this.request = request;
        this.read = request.getResumeToken();
        this.told = new LinkedHashSet<>(told);
    }

    @Override
    public CloseableIterator<WatchResponse> begin(ClientCall<WatchRequest, WatchResponse> call) {
        return ResponseStream.of(call, request);
    }

    @Override
    public boolean leadsOn(WatchResponse message) {
        String token = message.getResumeToken();
        if (token.isEmpty() || token.equals(request.getResumeToken())) {
            return false;
        }
        request = request.toBuilder().setResumeToken(token).clearStartTime().build();
        return true;
    }

    @Override
    public boolean isWhole() {
        return false;
    }

    @Override
    public boolean isEndless() {
        return true;
    }

    @Override
    public WatchResponse inAll(WatchResponse message) {
        return message;
    }

    /** Gives the token of the last message; that of the request before the first. */
    String resumeToken() {
        return read;
    }

    /** Reads a message; leaves out the changes that were told before. */
    List<WatchItem> items(WatchResponse message) {
        if (message.getResumeToken().isEmpty()) {
            Status unread =
                    Status.INTERNAL.withDescription("The answer cannot be read: a message has no resume_token.");
            throw TwinfrontException.from(unread, null);
        }
        List<WatchItem> items = itemsOf(message, read);
        read = message.getResumeToken();
        items.removeIf(item -> !isNew(item));
        return items;
    }

    private boolean isNew(WatchItem item) {
        if (item instanceof WatchItem.Reset) {
            told.clear();
        }
        if (!(item instanceof WatchItem.Change told) || told.change().getId().isEmpty()) {
            return true;
        }
        boolean isNew = this.told.add(told.change().getId());
        if (this.told.size() > REMEMBERED) {
            this.told.remove(this.told.iterator().next());
        }
        return isNew;
    }

    /** Whoever goes on behind an item that is not the last of its message has to be told the others. */
    private static List<WatchItem> itemsOf(WatchResponse message, String before) {
        String token = message.getResumeToken();
        List<WatchItem> items = new ArrayList<>();
        switch (message.getItemCase()) {
            case CHANGES -> {
                int last = message.getChanges().getChangesCount() - 1;
                message.getChanges()
                        .getChangesList()
                        .forEach(change ->
                                items.add(new WatchItem.Change(change, items.size() == last ? token : before)));
            }
            case INITIAL_ITEMS -> {
                List<Resource> resources = new ArrayList<>();
                message.getInitialItems().getDigitalTwinsList().forEach(twin -> resources.add(Resource.of(twin)));
                message.getInitialItems().getRelationshipsList().forEach(one -> resources.add(Resource.of(one)));
                int last = resources.size() - 1;
                resources.forEach(resource ->
                        items.add(new WatchItem.InitialItem(resource, items.size() == last ? token : before)));
            }
            case INITIAL_STATE_END -> items.add(new WatchItem.InitialStateEnd(token));
            case CHECKPOINT -> {
                Timestamp time = message.getCheckpoint().getTime();
                items.add(new WatchItem.Checkpoint(Instant.ofEpochSecond(time.getSeconds(), time.getNanos()), token));
            }
            case RESET -> {
                Reset reset = message.getReset();
                items.add(new WatchItem.Reset(reset.getReason(), reset.getJobId(), token));
            }
            case ITEM_NOT_SET -> {} // something newer than this client
        }
        return items;
    }
}
