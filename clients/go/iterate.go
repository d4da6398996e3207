package twinfront

import (
	"context"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

const (
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
	maxBreaks    = 5
)

// Page is the answer of a call that lists.
type Page interface{ GetNextPageToken() string }

// List is a call that lists: a method of a stub, such as client.Relationships.ListRelationships.
type List[Request proto.Message, Answer Page] func(context.Context, Request, ...grpc.CallOption) (Answer, error)

// Pages gives the answers to a request that lists, from its page_token on, each fetched when it is asked for. The
// request itself stays as it is. An error ends it.
func Pages[Request proto.Message, Answer Page](
	ctx context.Context, list List[Request, Answer], request Request,
) iter.Seq2[Answer, error] {
	return func(yield func(Answer, error) bool) {
		next := proto.Clone(request).(Request)
		for {
			answer, err := list(ctx, next)
			if !yield(answer, err) || err != nil || answer.GetNextPageToken() == "" {
				return
			}
			setString(next, "page_token", answer.GetNextPageToken())
		}
	}
}

// Items gives the items of all pages:
//
//	request := &twinfrontv1.ListRelationshipsRequest{DigitalTwinId: "floor-0"}
//	for relationship, err := range twinfront.Items(ctx, client.Relationships.ListRelationships, request,
//		(*twinfrontv1.ListRelationshipsResponse).GetRelationships) { … }
func Items[Request proto.Message, Answer Page, Item any](
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

// StreamRows gives the rows of a query as the server streams them. Where the stream breaks it goes on with the last
// resume_token, up to five times in a row. Breaking out of the loop ends the stream.
func StreamRows(
	ctx context.Context, client *Client, request *twinfrontv1.StreamQueryTwinsRequest,
) iter.Seq2[*twinfrontv1.QueryRow, error] {
	return func(yield func(*twinfrontv1.QueryRow, error) bool) {
		next := proto.Clone(request).(*twinfrontv1.StreamQueryTwinsRequest)
		for breaks := 0; ; {
			err := streamOnce(ctx, client, next, &breaks, yield)
			if err == nil {
				return
			}
			if breaks++; !errors.Is(err, Unavailable) || breaks >= maxBreaks {
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

func streamOnce(
	ctx context.Context, client *Client, request *twinfrontv1.StreamQueryTwinsRequest, breaks *int,
	yield func(*twinfrontv1.QueryRow, error) bool,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.Queries.StreamQueryTwins(ctx, request)
	if err != nil {
		return err
	}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		request.ResumeToken, *breaks = message.GetResumeToken(), 0
		for _, row := range message.GetRows() {
			if !yield(row, nil) {
				return nil
			}
		}
	}
}

// UpdateWithRetry reads a twin, asks for a change to it, and writes the change under the twin's etag; when another
// writer was faster it does all of it again, up to so many times. The change gets the twin and returns a patch, or nil
// if nothing is to be done. It returns the twin's etag.
func UpdateWithRetry(
	ctx context.Context, client *Client, digitalTwinID string, attempts int,
	change func(*twinfrontv1.DigitalTwin) (*Patch, error),
) (string, error) {
	if attempts < 1 {
		return "", errors.New("twinfront: attempts has to be 1 at the least")
	}
	for attempt := 1; ; attempt++ {
		read, err := client.DigitalTwins.GetDigitalTwin(
			ctx, &twinfrontv1.GetDigitalTwinRequest{DigitalTwinId: digitalTwinID})
		if err != nil {
			return "", err
		}
		twin := read.GetDigitalTwin()
		patch, err := change(twin)
		if err != nil || patch == nil {
			return twin.GetEtag(), err
		}
		operations, err := patch.Operations()
		if err != nil {
			return "", err
		}
		written, err := client.DigitalTwins.UpdateDigitalTwin(ctx, &twinfrontv1.UpdateDigitalTwinRequest{
			DigitalTwinId: digitalTwinID, Patch: operations, IfMatch: twin.GetEtag(),
		})
		if err == nil {
			return written.GetEtag(), nil
		}
		if !errors.Is(err, Aborted) || attempt == attempts {
			return "", err
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
