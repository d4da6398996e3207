package io.twinfront.client;

import com.google.protobuf.Timestamp;
import io.twinfront.v1.Change;
import io.twinfront.v1.ChangeKind;
import io.twinfront.v1.Changes;
import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.InitialItems;
import io.twinfront.v1.Relationship;
import io.twinfront.v1.Value;
import io.twinfront.v1.WatchResponse;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Holds digital twins and relationships, with what finds them, and says what becomes of them with each thing that is told; threads
 * can share it.
 *
 * <p>A change is told with the resource as the server found it when it told the change, so that it may show later changes as well.
 * These come all the same, and what they bring is known then: it has the same etag. The last that is told of something always
 * brings what it has come to.
 */
final class CachedGraph {
    /** How a saved state begins: with the version of the form that it has. */
    private static final byte[] VERSION = "twinfront cache 1\n".getBytes(StandardCharsets.US_ASCII);

    static final Comparator<Timestamp> ORDER_OF_TIMES =
            Comparator.comparingLong(Timestamp::getSeconds).thenComparingInt(Timestamp::getNanos);

    /** The id of a digital twin, and that of a relationship which starts from it; empty for the twin itself. */
    record Key(String twinId, String relationshipId) implements Comparable<Key> {
        private static final Comparator<Key> ORDER =
                Comparator.comparing(Key::twinId).thenComparing(Key::relationshipId);

        static Key of(Resource resource) {
            return resource.digitalTwin()
                    .map(twin -> new Key(twin.getId(), ""))
                    .orElseGet(() -> of(resource.relationship().orElseThrow()));
        }

        static Key of(Relationship relationship) {
            return new Key(relationship.getSourceId(), relationship.getId());
        }

        boolean isOfTwin() {
            return relationshipId.isEmpty();
        }

        @Override
        public int compareTo(Key other) {
            return ORDER.compare(this, other);
        }
    }

    /** A key, and the resource that is found by it from now on; null if there is none any more. */
    record Step(Key key, Resource after) {}

    private final NavigableMap<String, DigitalTwin> twins = new TreeMap<>();
    private final Map<String, NavigableMap<String, Relationship>> outgoing = new HashMap<>();
    private final Map<String, SortedSet<Key>> incoming = new HashMap<>();
    private final Map<String, SortedSet<String>> byModel = new HashMap<>();
    private final Map<String, Map<Object, SortedSet<String>>> byValue = new HashMap<>();
    private final List<String> handled = new ArrayList<>();
    private Set<Key> listed = new HashSet<>(); // of the state that is being told; null if none is
    private String resumeToken = "";
    private Step inWork; // with what there was before; null if all know of the last step

    CachedGraph(Collection<String> indexed) {
        indexed.forEach(pointer -> byValue.put(pointer, new HashMap<>()));
    }

    // What it holds.

    synchronized int size() {
        return twins.size();
    }

    synchronized Optional<DigitalTwin> twin(String id) {
        return Optional.ofNullable(twins.get(id));
    }

    /** Lists the twins whose ids begin so, in the order of their ids. */
    synchronized List<DigitalTwin> twins(String prefix) {
        return twins.tailMap(prefix).values().stream()
                .takeWhile(twin -> twin.getId().startsWith(prefix))
                .toList();
    }

    /** Lists the twins of the models that fit, in the order of their ids. */
    synchronized List<DigitalTwin> twinsOf(Predicate<String> fits) {
        SortedSet<String> members = new TreeSet<>();
        byModel.forEach((model, ids) -> {
            if (fits.test(model)) {
                members.addAll(ids);
            }
        });
        return members.stream().map(twins::get).toList();
    }

    /** Lists the twins that have a value, in the order of their ids. */
    synchronized List<DigitalTwin> withValue(String pointer, Value value) {
        Map<Object, SortedSet<String>> places = byValue.get(pointer);
        if (places == null) {
            throw new IllegalArgumentException("the cache is not indexed by " + pointer);
        }
        SortedSet<String> none = new TreeSet<>();
        return places.getOrDefault(IndexKeys.of(value).orElseThrow(), none).stream()
                .map(twins::get)
                .toList();
    }

    synchronized Optional<Relationship> relationship(String twinId, String id) {
        return Optional.ofNullable(outgoing(twinId).get(id));
    }

    /** Lists the relationships that start from a twin, in the order of their ids. */
    synchronized List<Relationship> relationships(String twinId) {
        return List.copyOf(outgoing(twinId).values());
    }

    /** Lists the relationships that point to a twin, in the order of their sources. */
    synchronized List<Relationship> incoming(String twinId) {
        return incoming.getOrDefault(twinId, new TreeSet<>()).stream()
                .map(key -> outgoing(key.twinId()).get(key.relationshipId()))
                .toList();
    }

    synchronized List<String> models() {
        return List.copyOf(byModel.keySet());
    }

    // What becomes of it.

    /** Tells whether the state is being told, from its first item. */
    synchronized boolean isListing() {
        return listed != null;
    }

    /** Gives the token of the last message that is in the state; empty for none. */
    synchronized String resumeToken() {
        return resumeToken;
    }

    /** Gives the ids of the changes behind it that are in the state as well. */
    synchronized List<String> handledIds() {
        return List.copyOf(handled);
    }

    /** Forgets where to go on, so that the state is told anew; what is known stays until that says otherwise. */
    synchronized void beginAnew() {
        reached("");
        beginListing();
    }

    /** Notes that the state is told anew: what is not in it is gone. */
    synchronized void beginListing() {
        listed = new HashSet<>();
    }

    /** Gives the step that a resource of the state makes; none if it is known as it is. */
    synchronized List<Step> listed(Resource resource) {
        Key key = Key.of(resource);
        if (listed != null) {
            listed.add(key);
        }
        Resource known = get(key);
        return known != null && isSame(known, resource) ? List.of() : List.of(new Step(key, resource));
    }

    /** Gives the steps that take away what was not in the state: relationships go before twins. */
    synchronized List<Step> unlisted() {
        return removals(resources().stream().map(Key::of).filter(key -> listed != null && !listed.contains(key)));
    }

    /** Notes that the state has come, and where changes follow. */
    synchronized void endListing(String token) {
        listed = null;
        reached(token);
    }

    /**
     * Gives the steps that a change makes; none if what it brings is known already. What changes while the state is told is part of
     * the state.
     */
    synchronized List<Step> changed(Change change) {
        Key key = new Key(change.getDigitalTwinId(), change.getRelationshipId());
        if (listed != null) {
            listed.add(key);
        }
        Resource known = get(key);
        if (known != null && isOlder(change, known)) {
            return List.of();
        }
        if (isDeletion(change)) {
            Set<Key> gone = new HashSet<>();
            if (key.isOfTwin()) {
                outgoing(key.twinId()).keySet().forEach(id -> gone.add(new Key(key.twinId(), id)));
                if (change.getIncomingRelationshipsLeft()) {
                    gone.addAll(incoming.getOrDefault(key.twinId(), new TreeSet<>()));
                }
            }
            if (known != null) {
                gone.add(key);
            }
            return removals(gone.stream());
        }
        if (!change.hasDigitalTwin() && !change.hasRelationship()) {
            return List.of();
        }
        Resource resource =
                change.hasDigitalTwin() ? Resource.of(change.getDigitalTwin()) : Resource.of(change.getRelationship());
        return known != null && isSame(known, resource) ? List.of() : List.of(new Step(key, resource));
    }

    /** Takes a step, and gives what there was before (null for nothing); until it is done, what is saved is as before it. */
    synchronized Resource take(Step step) {
        Resource before = get(step.key());
        inWork = new Step(step.key(), before);
        if (before != null) {
            forget(before);
        }
        if (step.after() != null) {
            keep(step.after());
        }
        return before;
    }

    /** Notes that all know of the last step. */
    synchronized void done() {
        inWork = null;
    }

    /** Notes that a change behind the token is in the state. */
    synchronized void handled(String changeId) {
        handled.add(changeId);
    }

    /** Notes that all before a token is in the state. */
    synchronized void reached(String token) {
        resumeToken = token;
        handled.clear();
    }

    /**
     * Writes all that it holds, and where it goes on, in messages of the contract: the state with its token, and changes with nothing
     * but the ids of those behind it that are in the state as well.
     */
    synchronized byte[] save() {
        List<Resource> resources = new ArrayList<>(resources());
        if (inWork != null) {
            resources.removeIf(resource -> Key.of(resource).equals(inWork.key()));
            Optional.ofNullable(inWork.after()).ifPresent(resources::add);
        }
        InitialItems.Builder items = InitialItems.newBuilder();
        for (Resource resource : resources) {
            resource.digitalTwin().ifPresent(items::addDigitalTwins);
            resource.relationship().ifPresent(items::addRelationships);
        }
        Changes.Builder changes = Changes.newBuilder();
        handled.forEach(id -> changes.addChanges(Change.newBuilder().setId(id)));
        ByteArrayOutputStream saved = new ByteArrayOutputStream();
        saved.writeBytes(VERSION);
        try {
            WatchResponse.newBuilder()
                    .setResumeToken(isListing() ? "" : resumeToken)
                    .setInitialItems(items)
                    .build()
                    .writeDelimitedTo(saved);
            WatchResponse.newBuilder().setChanges(changes).build().writeDelimitedTo(saved);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return saved.toByteArray();
    }

    /** Reads what was saved; IllegalArgumentException if nothing was. */
    synchronized void restore(byte[] saved) {
        InputStream rest = new ByteArrayInputStream(saved);
        try {
            boolean isSaved = Arrays.equals(rest.readNBytes(VERSION.length), VERSION);
            WatchResponse state = isSaved ? WatchResponse.parseDelimitedFrom(rest) : null;
            WatchResponse changes = state == null ? null : WatchResponse.parseDelimitedFrom(rest);
            if (changes == null || !state.hasInitialItems() || !changes.hasChanges() || rest.read() >= 0) {
                throw notSaved(null);
            }
            state.getInitialItems().getDigitalTwinsList().forEach(twin -> keep(Resource.of(twin)));
            state.getInitialItems().getRelationshipsList().forEach(one -> keep(Resource.of(one)));
            resumeToken = state.getResumeToken();
            changes.getChanges().getChangesList().forEach(change -> handled.add(change.getId()));
            listed = resumeToken.isEmpty() ? listed : null;
        } catch (IOException e) {
            throw notSaved(e);
        }
    }

    private static IllegalArgumentException notSaved(IOException cause) {
        return new IllegalArgumentException(
                "this is no saved state of a TwinCache, or one of another version of the client", cause);
    }

    /** Makes the steps that take resources away: relationships before twins, in the order of their keys. */
    private static List<Step> removals(Stream<Key> keys) {
        return keys.sorted(Comparator.comparing(Key::isOfTwin).thenComparing(Comparator.naturalOrder()))
                .map(key -> new Step(key, null))
                .toList();
    }

    private NavigableMap<String, Relationship> outgoing(String twinId) {
        return outgoing.getOrDefault(twinId, new TreeMap<>());
    }

    private Resource get(Key key) {
        if (key.isOfTwin()) {
            DigitalTwin twin = twins.get(key.twinId());
            return twin == null ? null : Resource.of(twin);
        }
        Relationship relationship = outgoing(key.twinId()).get(key.relationshipId());
        return relationship == null ? null : Resource.of(relationship);
    }

    private List<Resource> resources() {
        List<Resource> resources = new ArrayList<>();
        twins.values().forEach(twin -> resources.add(Resource.of(twin)));
        outgoing.values().forEach(members -> members.values().forEach(one -> resources.add(Resource.of(one))));
        return resources;
    }

    private void keep(Resource resource) {
        resource.digitalTwin().ifPresent(twin -> {
            twins.put(twin.getId(), twin);
            add(byModel, twin.getModelId(), twin.getId());
            byValue.forEach(
                    (pointer, places) -> IndexKeys.at(twin, pointer).ifPresent(key -> add(places, key, twin.getId())));
        });
        resource.relationship().ifPresent(one -> {
            outgoing.computeIfAbsent(one.getSourceId(), source -> new TreeMap<>())
                    .put(one.getId(), one);
            add(incoming, one.getTargetId(), Key.of(one));
        });
    }

    private void forget(Resource resource) {
        resource.digitalTwin().ifPresent(twin -> {
            twins.remove(twin.getId());
            remove(byModel, twin.getModelId(), twin.getId());
            byValue.forEach((pointer, places) ->
                    IndexKeys.at(twin, pointer).ifPresent(key -> remove(places, key, twin.getId())));
        });
        resource.relationship().ifPresent(one -> {
            outgoing.computeIfPresent(one.getSourceId(), (source, members) -> {
                members.remove(one.getId());
                return members.isEmpty() ? null : members;
            });
            remove(incoming, one.getTargetId(), Key.of(one));
        });
    }

    private static <N, M extends Comparable<M>> void add(Map<N, SortedSet<M>> places, N name, M member) {
        places.computeIfAbsent(name, key -> new TreeSet<>()).add(member);
    }

    /** Removes a member, and with the last one its name. */
    private static <N, M extends Comparable<M>> void remove(Map<N, SortedSet<M>> places, N name, M member) {
        places.computeIfPresent(name, (key, members) -> {
            members.remove(member);
            return members.isEmpty() ? null : members;
        });
    }

    /** Tells whether something is as it is known; without etags nobody can tell but by all that there is. */
    private static boolean isSame(Resource known, Resource told) {
        return known.etag().isEmpty() || told.etag().isEmpty()
                ? Objects.equals(known, told)
                : known.etag().equals(told.etag());
    }

    private static boolean isDeletion(Change change) {
        return change.getKind() == ChangeKind.CHANGE_KIND_TWIN_DELETED
                || change.getKind() == ChangeKind.CHANGE_KIND_RELATIONSHIP_DELETED;
    }

    /**
     * Tells whether what is known has a change in it already.
     *
     * <p>The changes of a source that tells no etags begin before the state was read. What they are older than says the twin's own
     * time. A twin that leaves what is watched has been changed, and not deleted: it comes without itself.
     */
    private static boolean isOlder(Change change, Resource known) {
        boolean hasLeft = isDeletion(change) && !change.hasDigitalTwin();
        if (!change.getEtag().isEmpty() || hasLeft) {
            return false;
        }
        return known.digitalTwin()
                .filter(DigitalTwin::hasLastUpdateTime)
                .filter(twin -> ORDER_OF_TIMES.compare(change.getTime(), twin.getLastUpdateTime()) <= 0)
                .isPresent();
    }
}
