package twinfront

import (
	"context"
	"errors"
	"io"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// maxDrains is how many stopping servers a call may meet.
const maxDrains = 5

// unary gives a call without a deadline the default one, and its error a type. What a stopping server refused it sends
// again, whatever it is: nothing was done, and the connection was told to go elsewhere before the call was answered.
func unary(
	ctx context.Context, method string, request, reply any, connection *grpc.ClientConn, invoke grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	timeout, bounded := sharedConfig().timeouts[method]
	if _, ok := ctx.Deadline(); bounded && !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	for drains := 1; ; drains++ {
		var trailers metadata.MD
		// Clipped, since the slice may be the connection's own, which calls at the same time append to.
		err := invoke(ctx, method, request, reply, connection, append(slices.Clip(opts), grpc.Trailer(&trailers))...)
		err = typed(unanswered(ctx, connection, err), trailers)
		var failure *Error
		if !errors.As(err, &failure) || failure.Reason != "SERVER_DRAINING" || drains == maxDrains {
			return err
		}
		if sleep(ctx, pause(drains)) != nil {
			return err
		}
	}
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
