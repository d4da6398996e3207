package twinfront

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	replayedTrailer = "twinfront-replayed"
	pushbackTrailer = "grpc-retry-pushback-ms"
)

// calls sends the calls of a client.
type calls struct {
	// isOnce says that each call is sent once.
	isOnce bool
	// wasSeen tells whether there ever was a connection to the server.
	wasSeen atomic.Bool
}

// unary gives a call without a deadline the default one, and its error a type, and sends it as often as [attempts] says.
func (c *calls) unary(
	ctx context.Context, method string, request, reply any, connection *grpc.ClientConn, invoke grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	timeout, bounded := sharedConfig().timeouts[method]
	if _, ok := ctx.Deadline(); bounded && !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	attempts := attempts{patience: patienceOfNone}
	if !c.isOnce {
		request, attempts = prepared(method, request)
	}
	return attempts.run(ctx, func() outcome {
		var trailers metadata.MD
		ctx, attempt := watched(ctx)
		// Clipped, since the slice may be the connection's own, which calls at the same time append to.
		err := invoke(ctx, method, request, reply, connection, append(slices.Clip(opts), grpc.Trailer(&trailers))...)
		return c.outcomeOf(typed(unanswered(ctx, connection, err), trailers), attempt, trailers)
	})
}

// attemptsAtStream gives the attempts that a stream may have which can be gone on with.
func (c *calls) attemptsAtStream() attempts {
	if c.isOnce {
		return attempts{patience: patienceOfNone}
	}
	return attempts{patience: patienceOfStreams}
}

// outcomeOf gives the outcome of an attempt; one without an error if it succeeded.
func (c *calls) outcomeOf(err error, attempt *sending, trailers metadata.MD) outcome {
	return outcome{
		err:        err,
		attempts:   max(1, int(attempt.begun.Load())),
		isSent:     attempt.isSent.Load(),
		isReplayed: slices.Equal(trailers.Get(replayedTrailer), []string{"true"}),
		isFinal:    slices.ContainsFunc(trailers.Get(pushbackTrailer), isNoTime),
		wasSeen:    c.wasSeen.Load(),
	}
}

// isNoTime tells whether a pushback says that there is to be no other attempt (gRFC A6).
func isNoTime(pushback string) bool {
	_, err := strconv.ParseUint(pushback, 10, 31)
	return err != nil
}

// unanswered makes Unavailable of Canceled, if it was neither the caller nor the closing of the client that ended the call:
// a stopping server says so to the calls that it has not begun, and a proxy to those that it drops.
func unanswered(ctx context.Context, connection *grpc.ClientConn, err error) error {
	if status.Code(err) != codes.Canceled || ctx.Err() != nil || connection.GetState() == connectivity.Shutdown {
		return err
	}
	return status.Error(codes.Unavailable, "the server ended the call without an answer: "+status.Convert(err).Message())
}

// stream gives the errors of a stream a type.
func stream(
	ctx context.Context, desc *grpc.StreamDesc, connection *grpc.ClientConn, method string, open grpc.Streamer,
	opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	opened, err := open(ctx, desc, connection, method, opts...)
	if err != nil {
		return nil, typed(unanswered(ctx, connection, err), nil)
	}
	return typedStream{opened, ctx, connection}, nil
}

type typedStream struct {
	grpc.ClientStream
	// caller is the context that the caller gave; that of the stream is over as soon as the stream is.
	caller     context.Context
	connection *grpc.ClientConn
}

func (s typedStream) Header() (metadata.MD, error) {
	header, err := s.ClientStream.Header()
	return header, s.typed(err)
}

func (s typedStream) SendMsg(message any) error { return s.typed(s.ClientStream.SendMsg(message)) }

func (s typedStream) RecvMsg(message any) error { return s.typed(s.ClientStream.RecvMsg(message)) }

func (s typedStream) typed(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return typed(unanswered(s.caller, s.connection, err), s.Trailer())
}
