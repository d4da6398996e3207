package io.twinfront.client;

import io.twinfront.client.errors.TwinfrontException;
import io.twinfront.v1.ChangeContent;
import io.twinfront.v1.ChangeFilter;
import io.twinfront.v1.ChangeKind;
import io.twinfront.v1.DigitalTwin;
import io.twinfront.v1.InitialState;
import io.twinfront.v1.OnExpired;
import io.twinfront.v1.Relationship;
import io.twinfront.v1.WatchRequest;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * Digital twins in memory, which stay as they are in the service.
 *
 * <pre>{@code
 * try (TwinCache rooms = TwinCache.builder(client).modelIds("dtmi:example:Room;1").start()) {
 *     rooms.synced(Duration.ofSeconds(30));
 *     rooms.get("room-001").ifPresent(room -> …);
 * }
 * }</pre>
 *
 * <p>It reads the state as it is, follows the changes, and goes on by itself where that breaks, for as long as it takes. Where
 * changes are lost, or not told one by one, it reads the state again and tells what is another by then. Threads can share it.
 */
public final class TwinCache implements AutoCloseable {
    private final CachedGraph graph;
    private final CacheFollower follower;

    private TwinCache(CachedGraph graph, CacheFollower follower) {
        this.graph = graph;
        this.follower = follower;
    }

    /**
     * Begins to make a cache.
     *
     * @param client the client to read with; it is not closed
     * @return what takes the options
     */
    public static Builder builder(TwinfrontClient client) {
        return new Builder(client);
    }

    /** {@return the number of digital twins} */
    public int size() {
        return graph.size();
    }

    /**
     * Gives a digital twin.
     *
     * @param digitalTwinId its id
     * @return the digital twin; empty if there is none
     */
    public Optional<DigitalTwin> get(String digitalTwinId) {
        return graph.twin(digitalTwinId);
    }

    /** {@return all digital twins, in the order of their ids} */
    public List<DigitalTwin> list() {
        return graph.twins("");
    }

    /**
     * Lists digital twins by their ids, in the order of these.
     *
     * @param prefix how the ids begin
     * @return the digital twins
     */
    public List<DigitalTwin> listByPrefix(String prefix) {
        return graph.twins(prefix);
    }

    /**
     * Lists the digital twins of a model and of its descendants, in the order of their ids.
     *
     * @param modelId the model
     * @return the digital twins
     * @throws io.twinfront.client.errors.PermissionDeniedException if the caller may not read what the models of the twins extend
     */
    public List<DigitalTwin> listByModel(String modelId) {
        return graph.twinsOf(model -> follower.descends(model, modelId));
    }

    /**
     * Lists the digital twins that have a value, in the order of their ids; 20 and 20.0 are the same.
     *
     * @param pointer the JSON Pointer to the property, one of those that the cache is indexed by
     * @param value the value, as {@link Values#toValue} takes it
     * @return the digital twins
     * @throws IllegalArgumentException if they are not indexed by it, or no twin can have such a value
     */
    public List<DigitalTwin> find(String pointer, Object value) {
        return graph.withValue(pointer, Values.toValue(value));
    }

    /**
     * Gives a relationship.
     *
     * @param digitalTwinId the id of its source
     * @param relationshipId its id
     * @return the relationship; empty if there is none
     */
    public Optional<Relationship> getRelationship(String digitalTwinId, String relationshipId) {
        return graph.relationship(digitalTwinId, relationshipId);
    }

    /**
     * Lists the relationships that start from a digital twin, in the order of their ids.
     *
     * @param digitalTwinId the id of the digital twin
     * @return the relationships
     */
    public List<Relationship> relationships(String digitalTwinId) {
        return graph.relationships(digitalTwinId);
    }

    /**
     * Lists the relationships that point to a digital twin, of those that the cache holds.
     *
     * @param digitalTwinId the id of the digital twin
     * @return the relationships
     */
    public List<Relationship> incomingRelationships(String digitalTwinId) {
        return graph.incoming(digitalTwinId);
    }

    /** {@return whether it has shown a whole state since it began} */
    public boolean isSynced() {
        return follower.isSynced();
    }

    /** {@return what keeps it from following the changes at present; empty if nothing does} */
    public Optional<TwinfrontException> error() {
        return follower.error();
    }

    /**
     * Waits until it has shown a whole state since it began.
     *
     * @param timeout how long
     * @throws io.twinfront.client.errors.DeadlineExceededException if it was not so in that time
     * @throws TwinfrontException if it has ended: it was closed, the caller is not permitted to watch, or the server follows no
     *     source
     */
    public void synced(Duration timeout) {
        follower.synced(timeout);
    }

    /**
     * Writes all that it holds, and where it goes on, to be given as {@link Builder#saved} to a cache with the same options. What it
     * is about to tell is told again then.
     *
     * @return the state
     */
    public byte[] save() {
        return graph.save();
    }

    /** Ends it, once the callback that runs has ended, which may call this too; what it holds stays, and can be saved. */
    @Override
    public void close() {
        follower.close();
    }

    /** Takes the options of a cache. */
    public static final class Builder {
        private final TwinfrontClient client;
        private final ChangeFilter.Builder filter = ChangeFilter.newBuilder();
        private boolean hasRelationships;
        private List<String> indexed = List.of();
        private byte[] saved;
        private Consumer<Resource> added = after -> {};
        private BiConsumer<Resource, Resource> changed = (before, after) -> {};
        private Consumer<Resource> removed = before -> {};

        private Builder(TwinfrontClient client) {
            this.client = Objects.requireNonNull(client);
        }

        /**
         * Holds only these digital twins.
         *
         * @param ids their ids
         * @return this
         */
        public Builder digitalTwinIds(String... ids) {
            filter.addAllDigitalTwinIds(List.of(ids));
            return this;
        }

        /**
         * Holds only digital twins whose ids begin so; beside ids, either has to fit.
         *
         * @param prefixes how they begin
         * @return this
         */
        public Builder digitalTwinIdPrefixes(String... prefixes) {
            filter.addAllDigitalTwinIdPrefixes(List.of(prefixes));
            return this;
        }

        /**
         * Holds only digital twins of these models and of their descendants.
         *
         * @param ids the models
         * @return this
         */
        public Builder modelIds(String... ids) {
            filter.addAllModelIds(List.of(ids));
            return this;
        }

        /**
         * Holds the relationships that start from these digital twins as well.
         *
         * @return this
         */
        public Builder relationships() {
            hasRelationships = true;
            return this;
        }

        /**
         * Holds of the relationships only those with these names.
         *
         * @param names the names
         * @return this
         */
        public Builder relationshipNames(String... names) {
            filter.addAllRelationshipNames(List.of(names));
            return this;
        }

        /**
         * Has {@link TwinCache#find} find digital twins by properties.
         *
         * @param pointers JSON Pointers to them
         * @return this
         */
        public Builder indexed(String... pointers) {
            indexed = List.of(pointers);
            return this;
        }

        /**
         * Goes on from a saved state.
         *
         * @param state what {@link TwinCache#save} gave, of a cache with the same options
         * @return this
         */
        public Builder saved(byte[] state) {
            saved = state.clone();
            return this;
        }

        /**
         * Calls back with what has come in.
         *
         * <p>Callbacks are called by a thread of the cache, one after the other, once the cache shows what they are told. Nothing is
         * read while one of them runs; a cache that takes long goes on where it was. What they throw is logged, and the cache goes on.
         *
         * @param callback is told of it
         * @return this
         */
        public Builder added(Consumer<Resource> callback) {
            added = Objects.requireNonNull(callback);
            return this;
        }

        /**
         * Calls back with what it was before, and what it is, as {@link #added} does.
         *
         * @param callback is told of it
         * @return this
         */
        public Builder changed(BiConsumer<Resource, Resource> callback) {
            changed = Objects.requireNonNull(callback);
            return this;
        }

        /**
         * Calls back with what it was, as {@link #added} does.
         *
         * @param callback is told of it
         * @return this
         */
        public Builder removed(Consumer<Resource> callback) {
            removed = Objects.requireNonNull(callback);
            return this;
        }

        /**
         * Begins to follow the changes, as soon as there is a server.
         *
         * @return the cache
         * @throws IllegalArgumentException if what is to be gone on from is nothing that was saved
         */
        public TwinCache start() {
            ChangeFilter.Builder kinds = filter.clone()
                    .addKinds(ChangeKind.CHANGE_KIND_TWIN_CREATED)
                    .addKinds(ChangeKind.CHANGE_KIND_TWIN_UPDATED)
                    .addKinds(ChangeKind.CHANGE_KIND_TWIN_DELETED);
            if (hasRelationships) {
                kinds.addKinds(ChangeKind.CHANGE_KIND_RELATIONSHIP_CREATED)
                        .addKinds(ChangeKind.CHANGE_KIND_RELATIONSHIP_UPDATED)
                        .addKinds(ChangeKind.CHANGE_KIND_RELATIONSHIP_DELETED);
            }
            WatchRequest request = WatchRequest.newBuilder()
                    .setInitialState(
                            hasRelationships ? InitialState.INITIAL_STATE_GRAPH : InitialState.INITIAL_STATE_TWINS)
                    .setOnExpired(OnExpired.ON_EXPIRED_RESYNC)
                    .setFilter(kinds)
                    .setContent(ChangeContent.CHANGE_CONTENT_AFTER)
                    .build();
            CachedGraph graph = new CachedGraph(indexed);
            if (saved != null) {
                graph.restore(saved);
            }
            CacheFollower follower = new CacheFollower(client, request, graph, this::tell);
            follower.start();
            return new TwinCache(graph, follower);
        }

        private void tell(Resource before, Resource after) {
            if (before == null) {
                added.accept(after);
            } else if (after == null) {
                removed.accept(before);
            } else {
                changed.accept(before, after);
            }
        }
    }
}
