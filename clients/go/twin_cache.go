package twinfront

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// CacheOptions say what a [TwinCache] holds, and whom it tells of it.
type CacheOptions struct {
	// DigitalTwinIDs: only these twins.
	DigitalTwinIDs []string
	// DigitalTwinIDPrefixes: only twins whose ids begin so; beside ids, either has to fit.
	DigitalTwinIDPrefixes []string
	// ModelIDs: only twins of these models and of their descendants.
	ModelIDs []string
	// Relationships: the relationships that start from these twins as well.
	Relationships bool
	// RelationshipNames: only those with these names.
	RelationshipNames []string
	// Indexed has the JSON Pointers to the properties that Find finds twins by.
	Indexed []string
	// Saved is what Save gave, of a cache with the same options: it goes on from there.
	Saved []byte
	// Added is called with what has come in.
	Added func(after Resource)
	// Changed is called with what it was before, and what it is.
	Changed func(before, after Resource)
	// Removed is called with what it was.
	Removed func(before Resource)
}

// catchingUp is the time between checkpoints of a cache that goes on from a saved state: the sooner it is told how far it has
// come, the sooner it is known to be whole again.
const catchingUp = 2

// TwinCache is a part of the graph in memory, which stays as it is in the service.
//
// Its Run reads the state as it is, follows the changes, and goes on by itself where that breaks, for as long as it takes.
// Where changes are lost, or not told one by one, it reads the state again and tells what is another by then.
//
// Callbacks are told one after the other, once the cache shows what they are told, in the goroutine of Run. Nothing is read
// while one of them runs; a cache that takes long goes on where it was. What the cache gives is its own: to be read, and not to
// be changed. It holds what it shows, and no more, and is safe for concurrent use.
type TwinCache struct {
	client  *Client
	options CacheOptions
	graph   *cachedGraph
	lineage *lineage

	mutex    sync.Mutex
	err      error
	synced   chan struct{}
	ended    chan struct{}
	isSynced bool
	// newest is the time up to which a saved state is to be caught up with.
	newest   *timestamppb.Timestamp
	messages int
}

// NewTwinCache makes a cache, which is empty, or as it was saved, until it is [TwinCache.Run].
func NewTwinCache(client *Client, options CacheOptions) (*TwinCache, error) {
	cache := &TwinCache{
		client: client, options: options, graph: newCachedGraph(options.Indexed), lineage: newLineage(),
		synced: make(chan struct{}), ended: make(chan struct{}),
	}
	if options.Saved != nil {
		if err := cache.graph.restore(options.Saved); err != nil {
			return nil, err
		}
	}
	return cache, nil
}

// Len gives the number of digital twins.
func (c *TwinCache) Len() int {
	c.graph.mutex.RLock()
	defer c.graph.mutex.RUnlock()
	return len(c.graph.twins)
}

// Get gives a digital twin; nil if there is none.
func (c *TwinCache) Get(digitalTwinID string) *twinfrontv1.DigitalTwin {
	found := c.graph.resource(key{digitalTwinID, ""})
	if found == nil {
		return nil
	}
	return found.DigitalTwin
}

// List lists the digital twins in the order of their ids: those of a model and of its descendants, if one is given, whose ids
// begin with a prefix. It fails if the caller may not read what models extend.
func (c *TwinCache) List(modelID, prefix string) ([]*twinfrontv1.DigitalTwin, error) {
	if modelID == "" {
		return c.graph.digitalTwins(prefix, nil), nil
	}
	if err := c.lineage.denied(); err != nil {
		return nil, err
	}
	return c.graph.digitalTwins(prefix, func(one string) bool { return c.lineage.descends(one, modelID) }), nil
}

// Find lists the digital twins that have a value, in the order of their ids; 20 and 20.0 are the same. The pointer is one of
// those that the cache is indexed by.
func (c *TwinCache) Find(pointer string, value any) ([]*twinfrontv1.DigitalTwin, error) {
	wanted, err := ToValue(value)
	if err != nil {
		return nil, err
	}
	return c.graph.withValue(pointer, wanted)
}

// Relationship gives a relationship; nil if there is none.
func (c *TwinCache) Relationship(digitalTwinID, relationshipID string) *twinfrontv1.Relationship {
	found := c.graph.resource(key{digitalTwinID, relationshipID})
	if found == nil {
		return nil
	}
	return found.Relationship
}

// Relationships lists the relationships that start from a digital twin, in the order of their ids.
func (c *TwinCache) Relationships(digitalTwinID string) []*twinfrontv1.Relationship {
	return c.graph.outgoingOf(digitalTwinID)
}

// IncomingRelationships lists the relationships that point to a digital twin, of those that the cache holds.
func (c *TwinCache) IncomingRelationships(digitalTwinID string) []*twinfrontv1.Relationship {
	return c.graph.incomingOf(digitalTwinID)
}

// Err gives what keeps the cache from following the changes at present; nil if nothing does.
func (c *TwinCache) Err() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.err
}

// Synced waits until the cache has shown a whole state since Run began. It fails with the error of Run if that has ended
// before, and with the context's.
func (c *TwinCache) Synced(ctx context.Context) error {
	select {
	case <-c.synced:
		return nil
	default:
	}
	select {
	case <-c.synced:
		return nil
	case <-c.ended:
		return fmt.Errorf("twinfront: the cache has ended: %w", c.Err())
	case <-ctx.Done():
		return errors.Join(ctx.Err(), c.Err())
	}
}

// Save writes all that the cache holds, and where it goes on, to be given as Saved to a cache with the same options. What it is
// about to tell is told again then.
func (c *TwinCache) Save() ([]byte, error) { return c.graph.save() }

// Run follows the changes until the context ends, whose error it returns then, or until it is clear that they cannot be
// followed: the caller is not permitted to, or the server follows no source. It can be called once.
func (c *TwinCache) Run(ctx context.Context) error {
	defer close(c.ended)
	for failures := 1; ; failures++ {
		before := c.messages
		err := c.follow(ctx)
		c.note(err)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, ResumeTokenInvalid) && c.graph.resumeToken != "" {
			c.graph.beginAnew()
		} else if cannotGoOn(err, c.messages > 0) {
			return err
		}
		if c.messages > before {
			failures = 1
		}
		if err := sleep(ctx, max(pause(failures), askedFor(err))); err != nil {
			return ctx.Err()
		}
	}
}

// cannotGoOn tells whether a watch that failed so would fail so again, however often it is tried. Credentials that were good
// once may be so again.
func cannotGoOn(err error, wasThere bool) bool {
	var failure *Error
	switch {
	case err == nil:
		return false
	case !errors.As(err, &failure):
		return true
	case failure.Kind == Unauthenticated:
		return !wasThere
	}
	return failure.Code == codes.Unimplemented || failure.Code == codes.InvalidArgument ||
		failure.Code == codes.PermissionDenied || failure.Code == codes.Canceled
}

// follow follows the changes until that breaks, from where the graph is.
func (c *TwinCache) follow(ctx context.Context) error {
	request := c.request()
	if !c.graph.isListing() && !c.isSynced {
		log, err := c.client.Changes.GetChangeLog(ctx, &twinfrontv1.GetChangeLogRequest{})
		if err != nil {
			return err
		}
		if c.newest = log.GetNewestTime(); c.newest == nil {
			c.hasSynced()
		}
		request.CheckpointInterval = &durationpb.Duration{Seconds: catchingUp}
	}
	course := newCourse(request, c.graph.handled)
	for message, err := range followed(ctx, c.client, course.request) {
		if err != nil {
			return err
		}
		c.messages++
		items := course.items(message)
		if err := c.lineage.learn(ctx, c.client, items, c.graph.models()); err != nil {
			return err
		}
		for _, item := range items {
			c.take(item)
		}
		c.graph.reached(message.GetResumeToken())
		c.note(nil)
	}
	return nil
}

func (c *TwinCache) request() *twinfrontv1.WatchRequest {
	kinds := []twinfrontv1.ChangeKind{
		twinfrontv1.ChangeKind_CHANGE_KIND_TWIN_CREATED,
		twinfrontv1.ChangeKind_CHANGE_KIND_TWIN_UPDATED,
		twinfrontv1.ChangeKind_CHANGE_KIND_TWIN_DELETED,
	}
	state := twinfrontv1.InitialState_INITIAL_STATE_TWINS
	if c.options.Relationships {
		state = twinfrontv1.InitialState_INITIAL_STATE_GRAPH
		kinds = append(kinds,
			twinfrontv1.ChangeKind_CHANGE_KIND_RELATIONSHIP_CREATED,
			twinfrontv1.ChangeKind_CHANGE_KIND_RELATIONSHIP_UPDATED,
			twinfrontv1.ChangeKind_CHANGE_KIND_RELATIONSHIP_DELETED,
		)
	}
	return &twinfrontv1.WatchRequest{
		ResumeToken:  c.graph.resumeToken,
		InitialState: state,
		OnExpired:    twinfrontv1.OnExpired_ON_EXPIRED_RESYNC,
		Content:      twinfrontv1.ChangeContent_CHANGE_CONTENT_AFTER,
		Filter: &twinfrontv1.ChangeFilter{
			DigitalTwinIds:        c.options.DigitalTwinIDs,
			DigitalTwinIdPrefixes: c.options.DigitalTwinIDPrefixes,
			ModelIds:              c.options.ModelIDs,
			RelationshipNames:     c.options.RelationshipNames,
			Kinds:                 kinds,
		},
	}
}

// take takes an item of a message.
func (c *TwinCache) take(item WatchItem) {
	switch {
	case item.Reset != nil:
		c.lineage.mayBeOthers()
		c.graph.beginListing()
	case item.InitialDigitalTwin != nil:
		c.tell(c.graph.list(Resource{DigitalTwin: item.InitialDigitalTwin}))
	case item.InitialRelationship != nil:
		c.tell(c.graph.list(Resource{Relationship: item.InitialRelationship}))
	case item.InitialStateEnd != nil:
		c.tell(c.graph.unlisted())
		c.graph.endListing(item.ResumeToken)
		c.hasSynced()
	case item.Change != nil:
		c.tell(c.graph.change(item.Change))
		c.graph.handle(item.Change.GetId())
		c.knowsAllUntil(item.Change.GetTime())
	case item.Checkpoint != nil:
		c.knowsAllUntil(item.Checkpoint.GetTime())
	}
}

// tell takes steps, one after the other, and tells each.
func (c *TwinCache) tell(steps []step) {
	for _, next := range steps {
		before := c.graph.take(next)
		switch {
		case before == nil && next.after != nil && c.options.Added != nil:
			c.options.Added(*next.after)
		case before != nil && next.after != nil && c.options.Changed != nil:
			c.options.Changed(*before, *next.after)
		case before != nil && next.after == nil && c.options.Removed != nil:
			c.options.Removed(*before)
		}
		c.graph.done()
	}
}

// knowsAllUntil notes how far the changes have come: a saved state is whole again when it has caught up.
func (c *TwinCache) knowsAllUntil(time *timestamppb.Timestamp) {
	if c.newest != nil && !time.AsTime().Before(c.newest.AsTime()) {
		c.hasSynced()
	}
}

func (c *TwinCache) hasSynced() {
	if c.newest = nil; !c.isSynced {
		c.isSynced = true
		close(c.synced)
	}
}

func (c *TwinCache) note(err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.err = err
}
