package twinfront

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

// sending tells of the attempts at one call, those included that the connection makes itself, how many there were, and whether
// the last one had a connection to be sent on. What the error says is no measure for that: it is UNAVAILABLE whether there was
// none, or one that broke.
type sending struct {
	begun  atomic.Int32
	isSent atomic.Bool
}

type sendingKey struct{}

// watched gives a context whose attempts are told of.
func watched(ctx context.Context) (context.Context, *sending) {
	attempt := &sending{}
	return context.WithValue(ctx, sendingKey{}, attempt), attempt
}

// sendingWatch sees all attempts of a connection, and notes whether there ever was a server.
type sendingWatch struct{ wasSeen *atomic.Bool }

// HandleRPC notes where an attempt begins, and that it is sent.
func (w sendingWatch) HandleRPC(ctx context.Context, event stats.RPCStats) {
	attempt, ok := ctx.Value(sendingKey{}).(*sending)
	if !ok {
		return
	}
	switch event := event.(type) {
	case *stats.Begin:
		if !event.IsTransparentRetryAttempt {
			attempt.begun.Add(1)
		}
		attempt.isSent.Store(false)
	case *stats.OutHeader:
		attempt.isSent.Store(true)
		w.wasSeen.Store(true)
	}
}

func (sendingWatch) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (sendingWatch) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (sendingWatch) HandleConn(context.Context, stats.ConnStats) {}
