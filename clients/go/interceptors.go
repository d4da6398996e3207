package twinfront

import (
	"context"
	"errors"
	"io"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// unary gives a call without a deadline the default one, and its error a type.
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
	var trailers metadata.MD
	// Clipped, since the slice may be the connection's own, which calls at the same time append to.
	err := invoke(ctx, method, request, reply, connection, append(slices.Clip(opts), grpc.Trailer(&trailers))...)
	return typed(err, trailers)
}

// stream gives the errors of a stream a type.
func stream(
	ctx context.Context, desc *grpc.StreamDesc, connection *grpc.ClientConn, method string, open grpc.Streamer,
	opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	opened, err := open(ctx, desc, connection, method, opts...)
	if err != nil {
		return nil, typed(err, nil)
	}
	return typedStream{opened}, nil
}

type typedStream struct{ grpc.ClientStream }

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
	return typed(err, s.Trailer())
}
