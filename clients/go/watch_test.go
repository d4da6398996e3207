package twinfront_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

var (
	errHidden  = status.Error(codes.PermissionDenied, "models are none of your business")
	errNoModel = status.Error(codes.NotFound, "there is no such model")
)

// told gives the first items of a watch, each in a word.
func told(t *testing.T, client *twinfront.Client, request *twinfrontv1.WatchRequest, count int) ([]string, []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var words, tokens []string
	for item, err := range twinfront.Watch(ctx, client, request) {
		if err != nil {
			t.Fatal(err)
		}
		words, tokens = append(words, word(item)), append(tokens, item.ResumeToken)
		if len(words) == count {
			break
		}
	}
	return words, tokens
}

func word(item twinfront.WatchItem) string {
	switch {
	case item.Change != nil:
		return item.Change.GetId()
	case item.InitialDigitalTwin != nil:
		return item.InitialDigitalTwin.GetId()
	case item.InitialRelationship != nil:
		return item.InitialRelationship.GetId()
	case item.InitialStateEnd != nil:
		return "end"
	case item.Checkpoint != nil:
		return "checkpoint"
	case item.Reset != nil:
		return item.Reset.GetReason().String()
	}
	return "nothing"
}

func TestAWatchTellsEveryKindOfItem(t *testing.T) {
	state := itemsAt("1", aTwin("a", 1))
	state.GetInitialItems().Relationships = []*twinfrontv1.Relationship{aRelationship("a", "r", "b")}
	client := serveChanges(t, &changes{streams: []stream{{isOpen: true, messages: []*twinfrontv1.WatchResponse{
		state, stateEnd("2"), changesAt("3", updated("c1", aTwin("a", 2)), deleted("c2", aTwin("a", 2))),
		checkpointAt("4", aTime), resetAt("5"),
	}}}})
	words, tokens := told(t, client, &twinfrontv1.WatchRequest{}, 7)
	if want := []string{"a", "r", "end", "c1", "c2", "checkpoint", "REASON_BULK_JOB"}; !slices.Equal(words, want) {
		t.Errorf("got %v", words)
	}
	if want := []string{"", "1", "2", "2", "3", "4", "5"}; !slices.Equal(tokens, want) {
		t.Errorf("only the last item of a message has its token: got %v", tokens)
	}
}

func TestAWatchGoesOnWhereverItsStreamEnds(t *testing.T) {
	for name, end := range map[string]error{
		"drained":   withReason(t, codes.Unavailable, "SERVER_DRAINING"),
		"not read":  withReason(t, codes.Unavailable, "STREAM_NOT_READ"),
		"broken":    errLost,
		"ended: OK": nil,
	} {
		t.Run(name, func(t *testing.T) {
			server := &changes{}
			for number := range 7 {
				change := updated(fmt.Sprint("c", number), aTwin("a", number))
				message := changesAt(fmt.Sprint(number), change)
				server.streams = append(server.streams, stream{messages: []*twinfrontv1.WatchResponse{message}, err: end})
			}
			request := &twinfrontv1.WatchRequest{StartTime: aTime}
			words, _ := told(t, serveChanges(t, server), request, 7)
			if want := []string{"c0", "c1", "c2", "c3", "c4", "c5", "c6"}; !slices.Equal(words, want) {
				t.Errorf("got %v", words)
			}
			if want := []string{"", "0", "1", "2", "3", "4", "5"}; !slices.Equal(server.tokens(), want) {
				t.Errorf("asked from %v", server.tokens())
			}
			if server.requests[0].GetStartTime() == nil || server.requests[1].GetStartTime() != nil {
				t.Error("a watch that goes on does not begin at its time again")
			}
			if request.GetResumeToken() != "" {
				t.Error("the request was written to")
			}
		})
	}
}

func TestAChangeThatComesAgainIsToldOnceButBehindAResetItIsToldAgain(t *testing.T) {
	one, two := updated("c1", aTwin("a", 1)), updated("c2", aTwin("a", 2))
	client := serveChanges(t, &changes{streams: []stream{
		{messages: []*twinfrontv1.WatchResponse{changesAt("1", one)}, err: errLost},
		{isOpen: true, messages: []*twinfrontv1.WatchResponse{changesAt("2", one, two), resetAt("3"), changesAt("4", two)}},
	}})
	words, _ := told(t, client, &twinfrontv1.WatchRequest{}, 4)
	if want := []string{"c1", "c2", "REASON_BULK_JOB", "c2"}; !slices.Equal(words, want) {
		t.Errorf("got %v", words)
	}
}

func TestAWatchThatBringsNothingIsGivenUp(t *testing.T) {
	for name, one := range map[string]stream{
		"no message": {},
		"no advance": {messages: []*twinfrontv1.WatchResponse{checkpointAt("1", aTime)}, err: errLost},
	} {
		t.Run(name, func(t *testing.T) {
			server := &changes{streams: slices.Repeat([]stream{one}, 20)}
			var last error
			for _, last = range twinfront.Watch(t.Context(), serveChanges(t, server), &twinfrontv1.WatchRequest{}) {
			}
			if !errors.Is(last, twinfront.Unavailable) || len(server.tokens()) > 6 {
				t.Errorf("%v after %d streams", last, len(server.tokens()))
			}
		})
	}
}

func TestAWatchThatCannotGoOnSaysWhy(t *testing.T) {
	for kind, end := range map[twinfront.Kind]error{
		twinfront.ChangesExpired:     withReason(t, codes.OutOfRange, "CHANGES_EXPIRED"),
		twinfront.ResumeTokenInvalid: withReason(t, codes.InvalidArgument, "RESUME_TOKEN_INVALID"),
		twinfront.ChangesUnsupported: withReason(t, codes.Unimplemented, "CHANGES_UNSUPPORTED"),
		twinfront.Other:              nil, // a message without a token
	} {
		t.Run(string(kind), func(t *testing.T) {
			one := stream{err: end}
			if end == nil {
				one.messages = []*twinfrontv1.WatchResponse{checkpointAt("", aTime)}
			}
			server, last := &changes{streams: []stream{one}}, error(nil)
			for _, last = range twinfront.Watch(t.Context(), serveChanges(t, server), &twinfrontv1.WatchRequest{}) {
			}
			if !errors.Is(last, kind) || len(server.tokens()) != 1 {
				t.Errorf("%v after %d streams", last, len(server.tokens()))
			}
		})
	}
}

func TestTheEndOfItsContextEndsAWatch(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := serveChanges(t, &changes{streams: []stream{
		{isOpen: true, messages: []*twinfrontv1.WatchResponse{checkpointAt("1", aTime)}},
	}})
	var last error
	for item, err := range twinfront.Watch(ctx, client, &twinfrontv1.WatchRequest{}) {
		if last = err; item.Checkpoint != nil {
			cancel()
		}
	}
	if !errors.Is(last, twinfront.CallCancelled) {
		t.Error(last)
	}
}

func TestWithoutRetryAWatchEndsWithItsStream(t *testing.T) {
	server := &changes{streams: []stream{{messages: []*twinfrontv1.WatchResponse{checkpointAt("1", aTime)}}}}
	words, _ := told(t, serveChanges(t, server, twinfront.WithoutRetry()), &twinfrontv1.WatchRequest{}, 2)
	if !slices.Equal(words, []string{"checkpoint"}) || len(server.tokens()) != 1 {
		t.Errorf("%v", words)
	}
}
