package twinfront

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// rememberedChanges is how many ids of changes a watch remembers, to know those that come again.
const rememberedChanges = 1000

// WatchItem is one thing that a watch tells: of its fields but ResumeToken one is set.
type WatchItem struct {
	// ResumeToken is where a watch goes on that has seen this, and all before it. What came in one message with this may
	// come again then, with the same ids. It is empty as long as there is no such place.
	ResumeToken string
	// Change is a change of the graph.
	Change *twinfrontv1.Change
	// InitialDigitalTwin is a digital twin of the state that comes before the changes.
	InitialDigitalTwin *twinfrontv1.DigitalTwin
	// InitialRelationship is a relationship of that state.
	InitialRelationship *twinfrontv1.Relationship
	// InitialStateEnd says that the state has come, and from here on changes do.
	InitialStateEnd *twinfrontv1.InitialStateEnd
	// Checkpoint says that nothing has changed, and that the token has moved on.
	Checkpoint *twinfrontv1.Checkpoint
	// Reset says that there are changes that are not told one by one: a copy of the graph may be wrong from here on. With
	// ON_EXPIRED_RESYNC the state follows anew; else whoever keeps a copy has to read it again.
	Reset *twinfrontv1.Reset
}

// Watch tells how the graph changes: from now on, from a token, from a time, or behind the state as it is, as the request
// has it. It goes on by itself where its stream breaks or the server ends it, and tells each change once; it ends when the
// loop or the context does, and with an error when it cannot go on: [ChangesExpired], [ResumeTokenInvalid],
// [ChangesUnsupported], or [Unavailable] for a minute. The ResumeToken of the last item says where another one goes on.
func Watch(ctx context.Context, client *Client, request *twinfrontv1.WatchRequest) iter.Seq2[WatchItem, error] {
	return func(yield func(WatchItem, error) bool) {
		course := newCourse(request, nil)
		for message, err := range followed(ctx, client, course.request) {
			if err != nil {
				yield(WatchItem{}, err)
				return
			}
			for _, item := range course.items(message) {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// followed reads the messages of a watch, which has no end: wherever its stream ends, on from the last message. The request
// is written to: it is where the next stream begins.
func followed(
	ctx context.Context, client *Client, request *twinfrontv1.WatchRequest,
) iter.Seq2[*twinfrontv1.WatchResponse, error] {
	return func(yield func(*twinfrontv1.WatchResponse, error) bool) {
		attempts, hasLeft := client.calls.attemptsAtStream(), false
		once := func() outcome {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			ctx, attempt := watched(ctx)
			stream, err := client.Changes.Watch(ctx, request)
			var trailers metadata.MD
			for gotOn := false; err == nil; {
				var message *twinfrontv1.WatchResponse
				if message, err = stream.Recv(); errors.Is(err, io.EOF) {
					if gotOn || client.calls.isOnce {
						return outcome{}
					}
					err = typedStatus(status.New(codes.Unavailable, "the server ended Watch without a message"), nil, nil)
				}
				if err != nil {
					trailers = stream.Trailer()
					break
				}
				token := message.GetResumeToken()
				if token == "" {
					err = typedStatus(status.New(codes.Internal, "the server sent a message without a resume_token"), nil, nil)
					break
				}
				if token != request.GetResumeToken() {
					gotOn = true
					attempts.getOn()
				}
				request.ResumeToken, request.StartTime = token, nil
				if !yield(message, nil) {
					hasLeft = true
					return outcome{}
				}
			}
			return client.calls.outcomeOf(err, attempt, trailers)
		}
		for !hasLeft {
			if err := attempts.run(ctx, once); err != nil {
				yield(nil, err)
				return
			}
			if client.calls.isOnce {
				return
			}
		}
	}
}

// course follows a watch through all its streams. A change that comes again, as one may after a break, has the id that it had;
// the last of them are remembered. Not beyond a reset: the state that follows it may be from before such a change, which has to
// be told once more.
type course struct {
	request *twinfrontv1.WatchRequest
	// token is that of the last message that was told.
	token  string
	told   map[string]struct{}
	inTurn []string
}

// newCourse begins a watch; told are the ids of changes that were told behind its token.
func newCourse(request *twinfrontv1.WatchRequest, told []string) *course {
	c := &course{request: proto.Clone(request).(*twinfrontv1.WatchRequest), token: request.GetResumeToken()}
	c.forget()
	for _, id := range told {
		c.isNew(id)
	}
	return c
}

// items gives what a message tells. Only the last item has its token: whoever goes on behind another one has to be told the
// rest.
func (c *course) items(message *twinfrontv1.WatchResponse) []WatchItem {
	var items []WatchItem
	switch item := message.GetItem().(type) {
	case *twinfrontv1.WatchResponse_Changes:
		for _, change := range item.Changes.GetChanges() {
			items = append(items, WatchItem{ResumeToken: c.token, Change: change})
		}
	case *twinfrontv1.WatchResponse_InitialItems:
		for _, twin := range item.InitialItems.GetDigitalTwins() {
			items = append(items, WatchItem{ResumeToken: c.token, InitialDigitalTwin: twin})
		}
		for _, relationship := range item.InitialItems.GetRelationships() {
			items = append(items, WatchItem{ResumeToken: c.token, InitialRelationship: relationship})
		}
	case *twinfrontv1.WatchResponse_InitialStateEnd:
		items = append(items, WatchItem{InitialStateEnd: item.InitialStateEnd})
	case *twinfrontv1.WatchResponse_Checkpoint:
		items = append(items, WatchItem{Checkpoint: item.Checkpoint})
	case *twinfrontv1.WatchResponse_Reset_:
		c.forget()
		items = append(items, WatchItem{Reset: item.Reset_})
	}
	if len(items) > 0 {
		items[len(items)-1].ResumeToken = message.GetResumeToken()
	}
	c.token = message.GetResumeToken()
	kept := items[:0]
	for _, item := range items {
		if item.Change == nil || c.isNew(item.Change.GetId()) {
			kept = append(kept, item)
		}
	}
	return kept
}

func (c *course) forget() { c.told, c.inTurn = map[string]struct{}{}, nil }

// isNew remembers a change; it tells whether it was not told before.
func (c *course) isNew(id string) bool {
	if id == "" {
		return true
	}
	if _, isTold := c.told[id]; isTold {
		return false
	}
	c.told[id] = struct{}{}
	if c.inTurn = append(c.inTurn, id); len(c.inTurn) > rememberedChanges {
		delete(c.told, c.inTurn[0])
		c.inTurn = c.inTurn[1:]
	}
	return true
}
