package twinfront

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// Resource is a digital twin or a relationship: one of both is set.
type Resource struct {
	DigitalTwin  *twinfrontv1.DigitalTwin
	Relationship *twinfrontv1.Relationship
}

// key is the id of a digital twin, and that of a relationship which starts from it; empty for the twin itself.
type key struct{ twin, relationship string }

func (k key) compare(other key) int {
	if compared := strings.Compare(k.twin, other.twin); compared != 0 {
		return compared
	}
	return strings.Compare(k.relationship, other.relationship)
}

// step is a key, and the resource that is found by it from now on; nil if there is none any more.
type step struct {
	key   key
	after *Resource
}

// cachedGraph holds digital twins and relationships, with what finds them.
//
// A change is told with the resource as the server found it when it told the change, so that it may show later changes as
// well. These come all the same, and what they bring is known then: it has the same etag. The last that is told of something
// always brings what it has come to.
type cachedGraph struct {
	mutex    sync.RWMutex
	twins    map[string]*Resource
	outgoing map[string]map[string]*Resource
	incoming map[string]map[key]struct{}
	byModel  map[string]map[string]struct{}
	byValue  map[string]map[any]map[string]struct{}
	// listed has what the state has told so far, while it is told.
	listed      map[key]struct{}
	resumeToken string
	// handled has the ids of the changes behind the token that are in the graph.
	handled []string
	// inWork is the step that is being told, with what was there before it; what is saved is as before it.
	inWork *step
}

func newCachedGraph(indexed []string) *cachedGraph {
	g := &cachedGraph{
		twins: map[string]*Resource{}, outgoing: map[string]map[string]*Resource{}, incoming: map[string]map[key]struct{}{},
		byModel: map[string]map[string]struct{}{}, byValue: map[string]map[any]map[string]struct{}{},
		listed: map[key]struct{}{},
	}
	for _, pointer := range indexed {
		g.byValue[pointer] = map[any]map[string]struct{}{}
	}
	return g
}

// digitalTwins lists twins in the order of their ids: those whose ids begin so, of the models that fit.
func (g *cachedGraph) digitalTwins(prefix string, fits func(modelID string) bool) []*twinfrontv1.DigitalTwin {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	var ids []string
	for modelID, members := range g.byModel {
		if fits == nil || fits(modelID) {
			for id := range members {
				if strings.HasPrefix(id, prefix) {
					ids = append(ids, id)
				}
			}
		}
	}
	return g.inOrder(ids)
}

func (g *cachedGraph) inOrder(ids []string) []*twinfrontv1.DigitalTwin {
	slices.Sort(ids)
	twins := make([]*twinfrontv1.DigitalTwin, len(ids))
	for i, id := range ids {
		twins[i] = g.twins[id].DigitalTwin
	}
	return twins
}

// withValue lists the twins that have a value, in the order of their ids.
func (g *cachedGraph) withValue(pointer string, value *twinfrontv1.Value) ([]*twinfrontv1.DigitalTwin, error) {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	index, isIndexed := g.byValue[pointer]
	if !isIndexed {
		return nil, fmt.Errorf("twinfront: the cache is not indexed by %s", pointer)
	}
	var ids []string
	for id := range index[indexKey(value)] {
		ids = append(ids, id)
	}
	return g.inOrder(ids), nil
}

func (g *cachedGraph) resource(at key) *Resource {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	return g.get(at)
}

func (g *cachedGraph) outgoingOf(twin string) []*twinfrontv1.Relationship {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	var keys []key
	for id := range g.outgoing[twin] {
		keys = append(keys, key{twin, id})
	}
	return g.relationships(keys)
}

func (g *cachedGraph) incomingOf(twin string) []*twinfrontv1.Relationship {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	var keys []key
	for at := range g.incoming[twin] {
		keys = append(keys, at)
	}
	return g.relationships(keys)
}

func (g *cachedGraph) relationships(keys []key) []*twinfrontv1.Relationship {
	slices.SortFunc(keys, key.compare)
	found := make([]*twinfrontv1.Relationship, len(keys))
	for i, at := range keys {
		found[i] = g.get(at).Relationship
	}
	return found
}

func (g *cachedGraph) models() []string {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	var ids []string
	for id := range g.byModel {
		ids = append(ids, id)
	}
	return ids
}

// What becomes of it: only the one goroutine that follows the changes calls what is below.

func (g *cachedGraph) isListing() bool { return g.listed != nil }

// beginListing notes that the state is told anew: what is not in it is gone.
func (g *cachedGraph) beginListing() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.listed = map[key]struct{}{}
}

// beginAnew forgets where to go on, so that the state is told anew; what is known stays until that says otherwise.
func (g *cachedGraph) beginAnew() {
	g.reached("")
	g.beginListing()
}

// list gives the step that a resource of the state makes; none if it is known as it is.
func (g *cachedGraph) list(resource Resource) []step {
	at := keyOf(&resource)
	if g.listed != nil {
		g.listed[at] = struct{}{}
	}
	if known := g.get(at); known != nil && isSame(known, &resource) {
		return nil
	}
	return []step{{at, &resource}}
}

// unlisted gives the steps that take away what was not in the state: relationships go before twins.
func (g *cachedGraph) unlisted() []step {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	if g.listed == nil {
		return nil
	}
	var gone []key
	for _, resource := range g.all() {
		if _, isListed := g.listed[keyOf(resource)]; !isListed {
			gone = append(gone, keyOf(resource))
		}
	}
	return removals(gone)
}

// endListing notes that the state has come, and where changes follow.
func (g *cachedGraph) endListing(resumeToken string) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.listed = nil
	g.resumeToken, g.handled = resumeToken, nil
}

// change gives the steps that a change makes; none if what it brings is known already. What changes while the state is told is
// part of the state.
func (g *cachedGraph) change(change *twinfrontv1.Change) []step {
	at := key{change.GetDigitalTwinId(), change.GetRelationshipId()}
	if g.listed != nil {
		g.listed[at] = struct{}{}
	}
	known := g.get(at)
	if known != nil && isOlder(change, known) {
		return nil
	}
	if isDeletion(change.GetKind()) {
		var gone []key
		if at.relationship == "" {
			for id := range g.outgoing[at.twin] {
				gone = append(gone, key{at.twin, id})
			}
			if change.GetIncomingRelationshipsLeft() {
				gone = slices.AppendSeq(gone, maps.Keys(g.incoming[at.twin]))
			}
		}
		if known != nil {
			gone = append(gone, at)
		}
		return removals(gone)
	}
	resource := Resource{change.GetDigitalTwin(), change.GetRelationship()}
	if resource == (Resource{}) || (known != nil && isSame(known, &resource)) {
		return nil
	}
	return []step{{at, &resource}}
}

// removals makes the steps that take resources away, each once: relationships before twins, in the order of their keys.
func removals(keys []key) []step {
	slices.SortFunc(keys, func(one, other key) int {
		switch {
		case one.relationship == "" && other.relationship != "":
			return 1
		case one.relationship != "" && other.relationship == "":
			return -1
		}
		return one.compare(other)
	})
	var steps []step
	for _, at := range slices.Compact(keys) {
		steps = append(steps, step{at, nil})
	}
	return steps
}

// take takes a step and gives what there was before; until it is done, what is saved is as before it.
func (g *cachedGraph) take(next step) *Resource {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	before := g.get(next.key)
	g.inWork = &step{next.key, before}
	if before != nil {
		g.forget(before)
	}
	if next.after != nil {
		g.keep(next.after)
	}
	return before
}

// done notes that all know of the last step.
func (g *cachedGraph) done() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.inWork = nil
}

// handle notes that a change behind the token is in the graph.
func (g *cachedGraph) handle(changeID string) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.handled = append(g.handled, changeID)
}

// reached notes that all before a token is in the graph.
func (g *cachedGraph) reached(resumeToken string) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.resumeToken, g.handled = resumeToken, nil
}

// savedGraph is the form in which a cache is saved.
type savedGraph struct {
	Version       int               `json:"version"`
	ResumeToken   string            `json:"resumeToken"`
	Handled       []string          `json:"handled"`
	DigitalTwins  []json.RawMessage `json:"digitalTwins"`
	Relationships []json.RawMessage `json:"relationships"`
}

const savedVersion = 1

func (g *cachedGraph) save() ([]byte, error) {
	g.mutex.RLock()
	resources := map[key]*Resource{}
	for _, resource := range g.all() {
		resources[keyOf(resource)] = resource
	}
	if g.inWork != nil {
		delete(resources, g.inWork.key)
		if g.inWork.after != nil {
			resources[g.inWork.key] = g.inWork.after
		}
	}
	state := savedGraph{Version: savedVersion, Handled: slices.Clone(g.handled)}
	if !g.isListing() {
		state.ResumeToken = g.resumeToken
	}
	g.mutex.RUnlock()
	for _, resource := range resources {
		text, err := protojson.Marshal(resource.message())
		if err != nil {
			return nil, fmt.Errorf("twinfront: %w", err)
		}
		if resource.DigitalTwin != nil {
			state.DigitalTwins = append(state.DigitalTwins, text)
		} else {
			state.Relationships = append(state.Relationships, text)
		}
	}
	return json.Marshal(state)
}

func (g *cachedGraph) restore(saved []byte) error {
	var state savedGraph
	if err := json.Unmarshal(saved, &state); err != nil || state.Version != savedVersion {
		return fmt.Errorf("twinfront: this is no saved state of a TwinCache, or one of another version of the client (%v)", err)
	}
	for _, text := range state.DigitalTwins {
		resource := &Resource{DigitalTwin: &twinfrontv1.DigitalTwin{}}
		if err := protojson.Unmarshal(text, resource.DigitalTwin); err != nil {
			return fmt.Errorf("twinfront: %w", err)
		}
		g.keep(resource)
	}
	for _, text := range state.Relationships {
		resource := &Resource{Relationship: &twinfrontv1.Relationship{}}
		if err := protojson.Unmarshal(text, resource.Relationship); err != nil {
			return fmt.Errorf("twinfront: %w", err)
		}
		g.keep(resource)
	}
	if state.ResumeToken != "" {
		g.listed = nil
	}
	g.resumeToken, g.handled = state.ResumeToken, state.Handled
	return nil
}

func (g *cachedGraph) get(at key) *Resource {
	if at.relationship == "" {
		return g.twins[at.twin]
	}
	return g.outgoing[at.twin][at.relationship]
}

func (g *cachedGraph) all() []*Resource {
	var all []*Resource
	for _, twin := range g.twins {
		all = append(all, twin)
	}
	for _, members := range g.outgoing {
		for _, relationship := range members {
			all = append(all, relationship)
		}
	}
	return all
}

func (g *cachedGraph) keep(resource *Resource) {
	if relationship := resource.Relationship; relationship != nil {
		put(g.outgoing, relationship.GetSourceId(), relationship.GetId(), resource)
		put(g.incoming, relationship.GetTargetId(), keyOf(resource), struct{}{})
		return
	}
	twin := resource.DigitalTwin
	g.twins[twin.GetId()] = resource
	put(g.byModel, twin.GetModelId(), twin.GetId(), struct{}{})
	for pointer, index := range g.byValue {
		if value := valueAt(twin, pointer); value != nil {
			put(index, indexKey(value), twin.GetId(), struct{}{})
		}
	}
}

func (g *cachedGraph) forget(resource *Resource) {
	if relationship := resource.Relationship; relationship != nil {
		remove(g.outgoing, relationship.GetSourceId(), relationship.GetId())
		remove(g.incoming, relationship.GetTargetId(), keyOf(resource))
		return
	}
	twin := resource.DigitalTwin
	delete(g.twins, twin.GetId())
	remove(g.byModel, twin.GetModelId(), twin.GetId())
	for pointer, index := range g.byValue {
		if value := valueAt(twin, pointer); value != nil {
			remove(index, indexKey(value), twin.GetId())
		}
	}
}

func put[Name, Member comparable, Entry any](place map[Name]map[Member]Entry, name Name, member Member, entry Entry) {
	if place[name] == nil {
		place[name] = map[Member]Entry{}
	}
	place[name][member] = entry
}

// remove removes a member, and with the last one its name.
func remove[Name, Member comparable, Entry any](place map[Name]map[Member]Entry, name Name, member Member) {
	if delete(place[name], member); len(place[name]) == 0 {
		delete(place, name)
	}
}

func keyOf(resource *Resource) key {
	if resource.DigitalTwin != nil {
		return key{resource.DigitalTwin.GetId(), ""}
	}
	return key{resource.Relationship.GetSourceId(), resource.Relationship.GetId()}
}

func (r *Resource) message() proto.Message {
	if r.DigitalTwin != nil {
		return r.DigitalTwin
	}
	return r.Relationship
}

func (r *Resource) etag() string { return r.DigitalTwin.GetEtag() + r.Relationship.GetEtag() }

// isSame tells whether something is as it is known; without etags nobody can tell but by all that there is.
func isSame(known, told *Resource) bool {
	if known.etag() != "" && told.etag() != "" {
		return known.etag() == told.etag()
	}
	return proto.Equal(known.message(), told.message())
}

// isOlder tells whether what is known has a change in it already. The changes of a source that tells no etags begin before the
// state was read: what they are older than says the twin's own time. A twin that leaves what is watched has been changed, and
// not deleted: it comes without itself.
func isOlder(change *twinfrontv1.Change, known *Resource) bool {
	hasLeft := isDeletion(change.GetKind()) && change.GetDigitalTwin() == nil
	updated := known.DigitalTwin.GetLastUpdateTime()
	if change.GetEtag() != "" || hasLeft || updated == nil {
		return false
	}
	return !change.GetTime().AsTime().After(updated.AsTime())
}

func isDeletion(kind twinfrontv1.ChangeKind) bool {
	return kind == twinfrontv1.ChangeKind_CHANGE_KIND_TWIN_DELETED ||
		kind == twinfrontv1.ChangeKind_CHANGE_KIND_RELATIONSHIP_DELETED
}

// valueAt gives the value that a JSON Pointer leads to; nil if there is none.
func valueAt(twin *twinfrontv1.DigitalTwin, pointer string) *twinfrontv1.Value {
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	names := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, name := range names {
		names[i] = unescape.Replace(name)
	}
	fields := twin.GetProperties()
	if component := twin.GetComponents()[names[0]]; component != nil {
		fields, names = component.GetProperties(), names[1:]
	}
	var value *twinfrontv1.Value
	for _, name := range names {
		if value = fields[name]; value == nil {
			return nil
		}
		fields = value.GetObjectValue().GetFields()
	}
	return value
}

// indexKey makes what equal values have in common, and others do not: 20 and 20.0 are one, 1 and true are two.
func indexKey(value *twinfrontv1.Value) any {
	switch kind := value.GetKind().(type) {
	case *twinfrontv1.Value_IntValue:
		if double := float64(kind.IntValue); int64(double) == kind.IntValue {
			return double
		}
		return kind.IntValue
	case *twinfrontv1.Value_DoubleValue:
		return kind.DoubleValue
	case *twinfrontv1.Value_StringValue:
		return kind.StringValue
	case *twinfrontv1.Value_BoolValue:
		return kind.BoolValue
	}
	text, _ := json.Marshal(FromValue(value)) // what came over the wire can be written
	return jsonText(text)
}

// jsonText is the key of a list, an object or null, and no string that is equal to it.
type jsonText string
