package twinfront

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// StreamQuery gives the rows of a query as the server streams them. Where the stream breaks, which is an error of the
// kind [Unavailable], it goes on after the last message. It gives up when it has broken five times without a row in
// between, or was broken for a minute. Breaking out of the loop ends the stream, and so does an error.
func StreamQuery(
	ctx context.Context, client *Client, request *twinfrontv1.StreamQueryTwinsRequest,
) iter.Seq2[*twinfrontv1.QueryRow, error] {
	return func(yield func(*twinfrontv1.QueryRow, error) bool) {
		brings := func(message *twinfrontv1.StreamQueryTwinsResponse) bool { return len(message.GetRows()) > 0 }
		for message, err := range resumed(ctx, client.calls, client.Queries.StreamQueryTwins, request, brings) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range message.GetRows() {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// ExportGraph gives the messages of an export as the server streams them: items, or chunks of text, as the request's
// format has it. It goes on where it breaks, as [StreamQuery] does.
func ExportGraph(
	ctx context.Context, client *Client, request *twinfrontv1.ExportGraphRequest,
) iter.Seq2[*twinfrontv1.ExportGraphResponse, error] {
	brings := func(message *twinfrontv1.ExportGraphResponse) bool {
		return len(message.GetItems()) > 0 || len(message.GetChunk()) > 0
	}
	return resumed(ctx, client.calls, client.Graphs.ExportGraph, request, brings)
}

// resumed reads a stream to its end; where it breaks, on from the last message. The request stays as it is.
func resumed[
	Request interface {
		proto.Message
		GetResumeToken() string
	},
	Answer any,
	Message interface {
		*Answer
		GetResumeToken() string
	},
](
	ctx context.Context, calls *calls,
	open func(context.Context, Request, ...grpc.CallOption) (grpc.ServerStreamingClient[Answer], error),
	request Request, brings func(Message) bool,
) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		next := proto.Clone(request).(Request)
		attempts := calls.attemptsAtStream()
		// once reads a stream until it breaks, ends, or nobody wants more; only a break is an error.
		once := func() outcome {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			ctx, attempt := watched(ctx)
			stream, err := open(ctx, next)
			var trailers metadata.MD
			for isWhole := false; err == nil; {
				var message Message
				// Only the last message has no token: all is there after it, and what got lost is the status.
				if message, err = stream.Recv(); errors.Is(err, io.EOF) || (err != nil && isWhole) {
					return outcome{}
				}
				if err != nil {
					trailers = stream.Trailer()
					break
				}
				token := message.GetResumeToken()
				if brings(message) && token != next.GetResumeToken() {
					attempts.getOn() // what leads nowhere, or to where it began, could go on for ever
				}
				setString(next, "resume_token", token)
				isWhole = token == ""
				if !yield(message, nil) {
					return outcome{}
				}
			}
			return calls.outcomeOf(err, attempt, trailers)
		}
		if err := attempts.run(ctx, once); err != nil {
			yield(nil, err)
		}
	}
}
