package twinfront_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

func state() []*twinfrontv1.WatchResponse {
	return []*twinfrontv1.WatchResponse{itemsAt("s1", aTwin("a", 1), aTwin("b", 1)), stateEnd("s2")}
}

func open(messages ...*twinfrontv1.WatchResponse) stream {
	return stream{isOpen: true, messages: slices.Concat(state(), messages)}
}

// lines keeps what callbacks are told, as "+a", "a 1>2" and "-a".
type lines struct {
	mutex sync.Mutex
	told  []string
}

func (l *lines) add(line string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.told = append(l.told, line)
}

func (l *lines) all() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return slices.Clone(l.told)
}

func (l *lines) options() twinfront.CacheOptions {
	return twinfront.CacheOptions{
		Added:   func(after twinfront.Resource) { l.add("+" + idOf(after)) },
		Removed: func(before twinfront.Resource) { l.add("-" + idOf(before)) },
		Changed: func(before, after twinfront.Resource) {
			l.add(fmt.Sprintf("%s %s>%s", idOf(after), before.DigitalTwin.GetEtag(), after.DigitalTwin.GetEtag()))
		},
	}
}

func idOf(resource twinfront.Resource) string {
	return resource.DigitalTwin.GetId() + resource.Relationship.GetId()
}

// run makes a cache and runs it until the test ends.
func run(t *testing.T, client *twinfront.Client, options twinfront.CacheOptions) (*twinfront.TwinCache, func() error) {
	t.Helper()
	cache, err := twinfront.NewTwinCache(client, options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- cache.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { stop() })
	return cache, stop
}

func synced(t *testing.T, cache *twinfront.TwinCache) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := cache.Synced(ctx); err != nil {
		t.Fatal(err)
	}
}

func until(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("what had to come has not come")
		}
	}
}

func ids(t *testing.T, twins []*twinfrontv1.DigitalTwin, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, twin := range twins {
		found = append(found, twin.GetId())
	}
	return found
}

func inModels() map[string][]string {
	return map[string][]string{roomModel: nil, meetingModel: {roomModel}}
}

func TestACacheShowsTheStateAndThenWhatChanges(t *testing.T) {
	server := &changes{models: inModels(), streams: []stream{open(
		changesAt("1", updated("c1", aTwin("c", 1)), updated("c2", aTwin("a", 2))),
		changesAt("2", deleted("c3", aTwin("b", 1))),
	)}}
	told := &lines{}
	cache, _ := run(t, serveChanges(t, server), told.options())
	synced(t, cache)
	until(t, func() bool { return len(told.all()) == 5 })
	if want := []string{"+a", "+b", "+c", "a 1>2", "-b"}; !slices.Equal(told.all(), want) {
		t.Errorf("got %v", told.all())
	}
	twins, err := cache.List("", "")
	if got := ids(t, twins, err); !slices.Equal(got, []string{"a", "c"}) || cache.Len() != 2 {
		t.Errorf("got %v", got)
	}
	if cache.Get("a").GetEtag() != "2" || cache.Get("b") != nil {
		t.Error(cache.Get("a"), cache.Get("b"))
	}
	request := server.requests[0]
	if request.GetOnExpired() != twinfrontv1.OnExpired_ON_EXPIRED_RESYNC ||
		request.GetContent() != twinfrontv1.ChangeContent_CHANGE_CONTENT_AFTER ||
		request.GetInitialState() != twinfrontv1.InitialState_INITIAL_STATE_TWINS || len(request.GetFilter().GetKinds()) != 3 {
		t.Error(request)
	}
}

func TestACacheFindsTwinsByModelPrefixAndValue(t *testing.T) {
	meeting := aTwin("room-1", 1)
	meeting.ModelId = meetingModel
	server := &changes{models: inModels(), streams: []stream{{isOpen: true, messages: []*twinfrontv1.WatchResponse{
		itemsAt("s1", aTwin("room-2", 2), meeting, aTwin("hall", 1)), stateEnd("s2"),
	}}}}
	cache, _ := run(t, serveChanges(t, server), twinfront.CacheOptions{Indexed: []string{"/n"}})
	synced(t, cache)
	for _, test := range []struct {
		model, prefix string
		want          []string
	}{
		{roomModel, "", []string{"hall", "room-1", "room-2"}},
		{meetingModel, "", []string{"room-1"}},
		{"", "room-", []string{"room-1", "room-2"}},
		{roomModel, "h", []string{"hall"}},
		{"dtmi:example:Other;1", "", []string{}},
	} {
		twins, err := cache.List(test.model, test.prefix)
		if got := ids(t, twins, err); !slices.Equal(got, test.want) {
			t.Errorf("%s %s: got %v", test.model, test.prefix, got)
		}
	}
	for value, want := range map[any][]string{1: {"hall", "room-1"}, 2.0: {"room-2"}, true: {}, "1": {}} {
		twins, err := cache.Find("/n", value)
		if got := ids(t, twins, err); !slices.Equal(got, want) {
			t.Errorf("%v: got %v", value, got)
		}
	}
	if _, err := cache.Find("/m", 1); err == nil {
		t.Error("it is not indexed by /m")
	}
	if len(server.asked) != 1 {
		t.Errorf("asked for models %v", server.asked)
	}
}

func TestACacheFindsRelationshipsFromBothEndsAndDropsThoseOfATwinThatLeaves(t *testing.T) {
	graph := itemsAt("s1", aTwin("a", 1), aTwin("b", 1))
	graph.GetInitialItems().Relationships = []*twinfrontv1.Relationship{aRelationship("a", "r", "b")}
	left := deleted("c1", aTwin("a", 1))
	left.Etag, left.Resource = "", nil
	server := &changes{models: inModels(), streams: []stream{
		{messages: []*twinfrontv1.WatchResponse{graph, stateEnd("s2")}, err: errLost}, // goes on after a pause
		{isOpen: true, messages: []*twinfrontv1.WatchResponse{changesAt("1", left)}},
	}}
	told := &lines{}
	options := told.options()
	options.Relationships = true
	cache, _ := run(t, serveChanges(t, server), options)
	until(t, func() bool { return len(told.all()) == 5 })
	if want := []string{"+a", "+b", "+r", "-r", "-a"}; !slices.Equal(told.all(), want) {
		t.Errorf("got %v", told.all())
	}
	if cache.Relationship("a", "r") != nil || len(cache.IncomingRelationships("b")) != 0 || len(cache.Relationships("a")) != 0 {
		t.Error("the relationship is still there")
	}
}

func TestWithATwinThatLeavesGoThoseThatPointToItIfTheServerSaysSo(t *testing.T) {
	for forThisCaller, want := range map[bool][]string{
		true:  {"+a", "+b", "+r", "+back", "-r", "-back", "-a"},
		false: {"+a", "+b", "+r", "+back", "-r", "-a"},
	} {
		graph := itemsAt("s1", aTwin("a", 1), aTwin("b", 1))
		graph.GetInitialItems().Relationships = []*twinfrontv1.Relationship{
			aRelationship("a", "r", "b"), aRelationship("b", "back", "a"),
		}
		left := deleted("c1", aTwin("a", 1))
		left.IncomingRelationshipsLeft = forThisCaller
		messages := []*twinfrontv1.WatchResponse{graph, stateEnd("s2"), changesAt("1", left)}
		told := &lines{}
		options := told.options()
		options.Relationships = true
		run(t, serveChanges(t, &changes{models: inModels(), streams: []stream{{isOpen: true, messages: messages}}}), options)
		until(t, func() bool { return slices.Contains(told.all(), "-a") })
		if !slices.Equal(told.all(), want) {
			t.Errorf("got %v", told.all())
		}
	}
}

func TestModelsThatAreGoneOrHiddenAreNoReasonToEnd(t *testing.T) {
	gone := aTwin("b", 1)
	gone.ModelId = "dtmi:example:Gone;1"
	messages := []*twinfrontv1.WatchResponse{itemsAt("s1", aTwin("a", 1), gone), stateEnd("s2")}
	cache, _ := run(t, serveChanges(t, &changes{
		models: inModels(), streams: []stream{{isOpen: true, messages: messages}},
	}), twinfront.CacheOptions{})
	synced(t, cache)
	twins, err := cache.List("dtmi:example:Gone;1", "")
	if got := ids(t, twins, err); !slices.Equal(got, []string{"b"}) {
		t.Errorf("got %v", got)
	}
	hidden, _ := run(t, serveChanges(t, &changes{streams: []stream{open()}}), twinfront.CacheOptions{})
	synced(t, hidden)
	if _, err := hidden.List(roomModel, ""); !errors.Is(err, twinfront.PermissionDenied) {
		t.Error(err)
	}
}

func TestBehindAResetOnlyWhatIsAnotherIsTold(t *testing.T) {
	server := &changes{models: inModels(), streams: []stream{
		{messages: append(state(), resetAt("r1"), itemsAt("r2", aTwin("a", 1))), err: errLost},
		{isOpen: true, messages: []*twinfrontv1.WatchResponse{itemsAt("r3", aTwin("c", 1)), stateEnd("r4")}},
	}}
	told := &lines{}
	run(t, serveChanges(t, server), told.options())
	until(t, func() bool { return len(told.all()) == 4 })
	if want := []string{"+a", "+b", "+c", "-b"}; !slices.Equal(told.all(), want) {
		t.Errorf("got %v", told.all())
	}
}

func TestWhatIsCreatedWhileTheStateIsToldIsPartOfIt(t *testing.T) {
	server := &changes{models: inModels(), streams: []stream{{isOpen: true, messages: []*twinfrontv1.WatchResponse{
		itemsAt("s1", aTwin("b", 1)), changesAt("s2", created("c1", aTwin("a", 1))), stateEnd("s3"),
		changesAt("1", updated("c2", aTwin("a", 2))),
	}}}}
	told := &lines{}
	run(t, serveChanges(t, server), told.options())
	until(t, func() bool { return len(told.all()) >= 3 })
	if want := []string{"+b", "+a", "a 1>2"}; !slices.Equal(told.all(), want) {
		t.Errorf("got %v", told.all())
	}
}

func TestBehindAResetAModelMayBeAnotherOne(t *testing.T) {
	meeting := func(version int) *twinfrontv1.DigitalTwin {
		twin := aTwin("a", version)
		twin.ModelId = meetingModel
		return twin
	}
	server := &changes{models: inModels(), streams: []stream{
		{messages: []*twinfrontv1.WatchResponse{itemsAt("s1", meeting(1)), stateEnd("s2")}, err: errLost},
		{isOpen: true, messages: []*twinfrontv1.WatchResponse{resetAt("r1"), itemsAt("r2", meeting(2)), stateEnd("r3")}},
	}}
	made, found := make(chan *twinfront.TwinCache, 2), make(chan int, 2)
	look := func() {
		twins, _ := (<-made).List(roomModel, "")
		found <- len(twins)
	}
	cache, _ := run(t, serveChanges(t, server), twinfront.CacheOptions{
		Added: func(twinfront.Resource) {
			look()
			server.mutex.Lock()
			defer server.mutex.Unlock()
			server.models = map[string][]string{meetingModel: nil}
		},
		Changed: func(twinfront.Resource, twinfront.Resource) { look() },
	})
	made <- cache
	made <- cache
	if first, then := <-found, <-found; first != 1 || then != 0 {
		t.Errorf("found %d, then %d", first, then)
	}
}

func TestWhatIsKnownAlreadyIsNotToldAgain(t *testing.T) {
	old := updated("c1", aTwin("a", 1))
	old.Etag = "" // of a source that tells none: the twin's time says that it is in the state
	blind := updated("c3", aTwin("b", 7))
	blind.Resource = nil // gone by then, which is told when it is its turn
	server := &changes{models: inModels(), streams: []stream{open(
		changesAt("1", old, updated("c2", aTwin("a", 1)), blind, updated("c4", aTwin("a", 3))),
	)}}
	told := &lines{}
	run(t, serveChanges(t, server), told.options())
	until(t, func() bool { return len(told.all()) == 3 })
	if want := []string{"+a", "+b", "a 1>3"}; !slices.Equal(told.all(), want) {
		t.Errorf("got %v", told.all())
	}
}

func TestATokenThatIsNoLongerGoodHasTheStateReadAnew(t *testing.T) {
	server := &changes{models: inModels(), streams: []stream{
		{messages: state(), err: withReason(t, codes.InvalidArgument, "RESUME_TOKEN_INVALID")},
		{isOpen: true, messages: []*twinfrontv1.WatchResponse{itemsAt("s1", aTwin("a", 1)), stateEnd("s2")}},
	}}
	told := &lines{}
	run(t, serveChanges(t, server), told.options())
	until(t, func() bool { return slices.Equal(told.all(), []string{"+a", "+b", "-b"}) })
	if want := []string{"", ""}; !slices.Equal(server.tokens(), want) {
		t.Errorf("asked from %v", server.tokens())
	}
}

func TestACacheThatCannotBeFollowedEndsAndSaysWhy(t *testing.T) {
	unsupported := withReason(t, codes.Unimplemented, "CHANGES_UNSUPPORTED")
	cache, stop := run(t, serveChanges(t, &changes{streams: []stream{{err: unsupported}}}), twinfront.CacheOptions{})
	if err := cache.Synced(t.Context()); !errors.Is(err, twinfront.ChangesUnsupported) {
		t.Error(err)
	}
	if err := stop(); !errors.Is(err, twinfront.ChangesUnsupported) {
		t.Error(err)
	}
}

func TestAnErrorIsShownWhileItLasts(t *testing.T) {
	failing := stream{err: withReason(t, codes.Internal, "INTERNAL")}
	server := &changes{models: inModels(), streams: []stream{failing, failing, failing, failing, open()}}
	cache, stop := run(t, serveChanges(t, server), twinfront.CacheOptions{})
	until(t, func() bool { return cache.Err() != nil })
	synced(t, cache)
	until(t, func() bool { return cache.Err() == nil })
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestACacheGoesOnFromWhatWasSavedAndIsToldWhatItHasMissed(t *testing.T) {
	server := &changes{models: inModels(), streams: []stream{open()}, log: &twinfrontv1.GetChangeLogResponse{NewestTime: later}}
	client := serveChanges(t, server)
	first, stop := run(t, client, twinfront.CacheOptions{})
	synced(t, first)
	until(t, func() bool { return savedToken(t, first) == "s2" })
	stop()
	saved, err := first.Save()
	if err != nil {
		t.Fatal(err)
	}
	server.streams = []stream{{isOpen: true, messages: []*twinfrontv1.WatchResponse{
		changesAt("1", updated("c1", aTwin("a", 2))), checkpointAt("2", later),
	}}}
	told := &lines{}
	options := told.options()
	options.Saved, options.Indexed = saved, []string{"/n"}
	second, _ := run(t, client, options)
	synced(t, second)
	if !slices.Equal(told.all(), []string{"a 1>2"}) || !slices.Equal(server.tokens(), []string{"", "s2"}) {
		t.Errorf("told %v, asked from %v", told.all(), server.tokens())
	}
	twins, err := second.Find("/n", 1)
	if got := ids(t, twins, err); !slices.Equal(got, []string{"b"}) {
		t.Errorf("got %v", got)
	}
}

func TestWhatIsSavedWithinAMessageIsToldOnceAfterTheRestart(t *testing.T) {
	message := changesAt("1", updated("c2", aTwin("a", 2)), updated("c3", aTwin("a", 3)), updated("c4", aTwin("a", 4)))
	server := &changes{models: inModels(), streams: []stream{open(message)}, log: &twinfrontv1.GetChangeLogResponse{}}
	client := serveChanges(t, server)
	made, saved := make(chan *twinfront.TwinCache, 1), make(chan []byte, 1)
	cache, stop := run(t, client, twinfront.CacheOptions{Changed: func(_, after twinfront.Resource) {
		if after.DigitalTwin.GetEtag() == "3" {
			text, _ := (<-made).Save()
			saved <- text
		}
	}})
	made <- cache
	told := &lines{}
	options := told.options()
	options.Saved = <-saved
	stop()
	server.streams = []stream{{isOpen: true, messages: []*twinfrontv1.WatchResponse{message}}}
	run(t, client, options)
	until(t, func() bool { return len(told.all()) == 2 })
	if want := []string{"a 2>3", "a 3>4"}; !slices.Equal(told.all(), want) {
		t.Errorf("the one that was being told, and those behind it: got %v", told.all())
	}
}

func TestWhatIsSavedWhileAStateEndsIsComparedWithTheWholeState(t *testing.T) {
	anew := []*twinfrontv1.WatchResponse{itemsAt("r2", aTwin("a", 1)), stateEnd("r3")}
	server := &changes{models: inModels(), streams: []stream{
		{isOpen: true, messages: append(append(state(), resetAt("r1")), anew...)},
	}}
	client := serveChanges(t, server)
	made, saved := make(chan *twinfront.TwinCache, 1), make(chan []byte, 1)
	cache, stop := run(t, client, twinfront.CacheOptions{Removed: func(twinfront.Resource) {
		text, _ := (<-made).Save()
		saved <- text
	}})
	made <- cache
	told := &lines{}
	options := told.options()
	options.Saved = <-saved
	stop()
	server.streams = []stream{{isOpen: true, messages: anew}}
	again, _ := run(t, client, options)
	synced(t, again)
	twins, err := again.List("", "")
	if got := ids(t, twins, err); !slices.Equal(got, []string{"a"}) || !slices.Equal(told.all(), []string{"-b"}) {
		t.Errorf("got %v, told %v", got, told.all())
	}
}

func TestWhatWasNotSavedByACacheIsRefused(t *testing.T) {
	client := serveChanges(t, &changes{})
	for _, saved := range []string{"", "[]", "{}", `{"version": 99}`} {
		if _, err := twinfront.NewTwinCache(client, twinfront.CacheOptions{Saved: []byte(saved)}); err == nil {
			t.Errorf("%q was taken", saved)
		}
	}
}

func savedToken(t *testing.T, cache *twinfront.TwinCache) string {
	t.Helper()
	var state struct{ ResumeToken string }
	if saved, err := cache.Save(); err != nil || json.Unmarshal(saved, &state) != nil {
		t.Fatal(err)
	}
	return state.ResumeToken
}
