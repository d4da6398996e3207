package twinfront

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

const (
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
	maxBreaks    = 5 // without a row in between
)

// PageRequest is the request of a call that lists.
type PageRequest interface {
	proto.Message
	GetPageToken() string
}

// Page is the answer of a call that lists.
type Page interface{ GetNextPageToken() string }

// List is a call that lists: a method of a stub, such as client.Relationships.ListRelationships.
type List[Request PageRequest, Answer Page] func(context.Context, Request, ...grpc.CallOption) (Answer, error)

// Pages gives the answers to a request that lists, from its page_token on, each fetched when it is asked for. The
// request itself stays as it is. An error ends the iteration, and comes with a nil answer; page tokens that lead in a circle
// are such an error.
func Pages[Request PageRequest, Answer Page](
	ctx context.Context, list List[Request, Answer], request Request,
) iter.Seq2[Answer, error] {
	return func(yield func(Answer, error) bool) {
		next := proto.Clone(request).(Request)
		tokens := circle{remembered: request.GetPageToken(), bound: 1}
		for {
			answer, err := list(ctx, next)
			if !yield(answer, err) || err != nil || answer.GetNextPageToken() == "" {
				return
			}
			if tokens.closesAt(answer.GetNextPageToken()) {
				var none Answer
				yield(none, typedStatus(status.New(codes.Internal, "the server's page tokens lead in a circle"), nil, nil))
				return
			}
			setString(next, "page_token", answer.GetNextPageToken())
		}
	}
}

// Items gives the items of all pages, which are fetched as they are needed. An error ends the iteration.
//
//	request := &twinfrontv1.ListRelationshipsRequest{DigitalTwinId: "floor-0"}
//	for relationship, err := range twinfront.Items(ctx, client.Relationships.ListRelationships, request,
//		(*twinfrontv1.ListRelationshipsResponse).GetRelationships) { … }
func Items[Request PageRequest, Answer Page, Item any](
	ctx context.Context, list List[Request, Answer], request Request, items func(Answer) []Item,
) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var none Item
		for answer, err := range Pages(ctx, list, request) {
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range items(answer) {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// StreamQuery gives the rows of a query as the server streams them. Where the stream breaks, which is an error of the
// kind [Unavailable], it goes on after the last message, and gives up when it has broken five times without a row in
// between. Breaking out of the loop ends the stream, and so does an error.
func StreamQuery(
	ctx context.Context, client *Client, request *twinfrontv1.StreamQueryTwinsRequest,
) iter.Seq2[*twinfrontv1.QueryRow, error] {
	return func(yield func(*twinfrontv1.QueryRow, error) bool) {
		next := proto.Clone(request).(*twinfrontv1.StreamQueryTwinsRequest)
		for breaks := 0; ; {
			progress, err := streamOnce(ctx, client, next, yield)
			if progress {
				breaks = 0
			}
			switch breaks++; {
			case err == nil:
				return
			case !errors.Is(err, Unavailable) || breaks >= maxBreaks:
				yield(nil, err)
				return
			}
			if err := sleep(ctx, pause(breaks)); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// streamOnce reads a stream until it breaks, ends, or nobody wants more; only a break is an error. It sets the token
// in the request from which the stream can be resumed, and tells whether it made progress: rows came, and the token is not
// the one that it began with.
func streamOnce(
	ctx context.Context, client *Client, request *twinfrontv1.StreamQueryTwinsRequest,
	yield func(*twinfrontv1.QueryRow, error) bool,
) (progress bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.Queries.StreamQueryTwins(ctx, request)
	if err != nil {
		return false, err
	}
	for isWhole := false; ; {
		message, err := stream.Recv()
		// Only the last message has no token: all rows are there, and what got lost is the status.
		if errors.Is(err, io.EOF) || (err != nil && isWhole) {
			return progress, nil
		}
		if err != nil {
			return progress, err
		}
		if len(message.GetRows()) > 0 && message.GetResumeToken() != request.GetResumeToken() {
			progress = true
		}
		request.ResumeToken, isWhole = message.GetResumeToken(), message.GetResumeToken() == ""
		for _, row := range message.GetRows() {
			if !yield(row, nil) {
				return progress, nil
			}
		}
	}
}

// UpdateWithRetry reads a twin, asks for a change to it, and writes the change under the twin's etag. When another
// writer was faster it does all of it again after a pause (up to 50 ms after the first attempt, twice as long after each
// further one, 2 s at the most).
//
// The change gets the twin, and returns a patch, or nil if there is nothing to change. It may be called as often as there
// are attempts.
//
// UpdateWithRetry returns the twin's etag. It fails with an [*EtagMismatchError] if another writer was faster at the last
// attempt too; with the error of the change or of a call at once. Nothing is written under an etag that the server did not
// give.
func UpdateWithRetry(
	ctx context.Context, client *Client, digitalTwinID string, attempts int,
	change func(*twinfrontv1.DigitalTwin) (*Patch, error),
) (string, error) {
	if attempts < 1 {
		return "", fmt.Errorf("twinfront: attempts is %d, and has to be 1 at the least", attempts)
	}
	for attempt := 1; ; attempt++ {
		read, err := client.DigitalTwins.GetDigitalTwin(
			ctx, &twinfrontv1.GetDigitalTwinRequest{DigitalTwinId: digitalTwinID})
		if err != nil {
			return "", err
		}
		twin := read.GetDigitalTwin()
		switch {
		case twin == nil:
			return "", typedStatus(status.New(codes.Internal, "the server answered without a twin"), nil, nil)
		case twin.GetEtag() == "": // a write under it would be one without condition
			return "", typedStatus(status.New(codes.Internal, "the server answered without an etag"), nil, nil)
		}
		patch, err := change(twin)
		if err != nil {
			return "", err
		}
		if patch == nil {
			return twin.GetEtag(), nil
		}
		operations, err := patch.Operations()
		if err != nil {
			return "", err
		}
		written, err := client.DigitalTwins.UpdateDigitalTwin(ctx, &twinfrontv1.UpdateDigitalTwinRequest{
			DigitalTwinId: digitalTwinID, Patch: operations, IfMatch: twin.GetEtag(),
		})
		// Only the server knows that nothing was written; ABORTED alone can be of anything in between.
		if err == nil || !errors.Is(err, EtagMismatch) || attempt == attempts {
			return written.GetEtag(), err
		}
		if err := sleep(ctx, pause(attempt)); err != nil {
			return "", err
		}
	}
}

// pause is random up to a bound that doubles, so that writers that collided do not do so again at the same moment.
func pause(attempt int) time.Duration {
	return time.Duration(rand.Int64N(int64(min(longestPause, firstPause<<min(attempt-1, 10)))))
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return typed(ctx.Err(), nil)
	case <-time.After(d):
		return nil
	}
}

func setString(message proto.Message, field protoreflect.Name, value string) {
	reflected := message.ProtoReflect()
	reflected.Set(reflected.Descriptor().Fields().ByName(field), protoreflect.ValueOfString(value))
}
